import { beforeAll, describe, expect, it, vi } from 'vitest'
import { ensurePageBuilt } from '../../../scripts/build-page.ts'
import { jsonLines, type Place, place, REPOSITORY } from './fixtures/command.ts'

beforeAll(async () => {
  await ensurePageBuilt({ root: REPOSITORY })
}, 120_000)

// Whole processes, several in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })

type Server = Awaited<ReturnType<Place['serve']>>

async function read({ url, token }: Server, stream: string) {
  const response = await fetch(`${url}/v1/stream/${stream}`, { headers: { authorization: `Bearer ${token}` } })
  return { events: await response.json(), closed: response.headers.get('stream-closed') }
}

describe('publish', () => {
  it('[HOST19] appends what stands on the command line, and ends a stream', async () => {
    const at = place()
    const server = await at.serve()
    const first = at.run(['publish', 'notes/today', '{"n":1}', '[2]'])
    expect(await first.ended()).toBe(0)
    expect(first.stdout).toMatch(/^2 events appended to notes\/today, which stands at \d{16}_0000000000000002\.\n$/)
    const last = at.run(['publish', 'notes/today', '"three"', '--seal', '--json'])
    expect(await last.ended()).toBe(0)
    expect(jsonLines(last.stdout)).toEqual([
      { type: 'published', events: 1, offset: expect.stringMatching(/_0000000000000003$/), sealed: true },
    ])
    expect(await read(server, 'notes/today')).toEqual({ events: [{ n: 1 }, [2], 'three'], closed: 'true' })
    const refused = at.run(['publish', 'notes/today', '4'])
    expect(await refused.ended()).toBe(1)
    expect(refused.stderr).toMatch(/^holdfast: .*\(STREAM_SEALED\)\n$/)
  })

  it('[HOST19] appends the lines of its input as they come, each once, over a crash of the server', async () => {
    const at = place()
    const server = await at.serve()
    const publish = at.run(['publish', 'notes/piped', '--json'])
    publish.write('{"n":0}\n\n{"n":1}\n')
    await expect.poll(async () => (await read(server, 'notes/piped')).events, { timeout: 60_000 }).toHaveLength(2)
    server.kill('SIGKILL')
    await server.ended()
    publish.write('{"n":2}\n')
    await publish.said('stderr', /^holdfast: not answered, trying again \(attempt 1, in [12] s\)$/m)
    const again = await at.serve()
    publish.write('{"n":3}')
    publish.endInput()
    expect(await publish.ended()).toBe(0)
    expect(jsonLines(publish.stdout)).toMatchObject([{ events: 4, sealed: false }])
    expect((await read(again, 'notes/piped')).events).toEqual([0, 1, 2, 3].map((n) => ({ n })))
  })

  it('[HOST19] says what it refuses, and what was appended before that', async () => {
    const at = place()
    await at.serve()
    const wrong = at.run(['publish', 'notes/x', '{"n":1}', 'kelp'])
    expect(await wrong.ended()).toBe(2)
    expect(wrong.stderr).toMatch(/^holdfast: event 2 is not JSON: kelp; /)
    const piped = at.run(['publish', 'notes/x'])
    piped.write('1\n2\n')
    piped.write('kelp\n')
    piped.endInput()
    expect(await piped.ended()).toBe(1)
    expect(piped.stderr).toMatch(/^holdfast: event 3 is not JSON: kelp/)
    const theirs = at.run(['publish', 'operators/projects', '{"type":"project_created"}'])
    expect(await theirs.ended()).toBe(1)
    expect(theirs.stderr).toMatch(/\(FORBIDDEN\)\n$/)
  })
})
