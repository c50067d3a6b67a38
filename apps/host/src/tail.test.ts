import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { ensurePageBuilt } from '../../../scripts/build-page.ts'
import { jsonLines, type Place, place, REPOSITORY } from './fixtures/command.ts'

beforeAll(async () => {
  await ensurePageBuilt({ root: REPOSITORY })
}, 120_000)

// Whole processes, several in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })

type Server = Awaited<ReturnType<Place['serve']>>

async function createProject({ url, token }: Server, name: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/projects`, { method: 'POST', headers, body: JSON.stringify({ name }) })
  return ((await response.json()) as { id: string }).id
}

const projectsIn = (text: string) => jsonLines(text).map(({ event }) => (event as { projectId: string }).projectId)

describe('tail', () => {
  it('[HOST15] follows from the start, from now and from an offset', async () => {
    const at = place()
    const server = await at.serve()
    const first = await createProject(server, 'first')
    const second = await createProject(server, 'second')
    const all = at.run(['tail', 'operators/projects', '--json'])
    await all.said('stdout', new RegExp(second))
    expect(projectsIn(all.stdout)).toEqual([first, second])
    const { offset } = jsonLines(all.stdout)[0] as { offset: string }

    const after = at.run(['tail', 'operators/projects', '--json', '--from', offset])
    await after.said('stdout', new RegExp(second))
    const fromNow = at.run(['tail', 'operators/projects', '--json', '--from', 'now'])
    let third = ''
    // It says nothing of when it is there: something new until it shows one.
    for (let tries = 0; fromNow.stdout === '' && tries < 200; tries += 1) {
      third = await createProject(server, `new ${tries}`)
    }
    await all.said('stdout', new RegExp(third))
    expect(projectsIn(after.stdout).slice(0, 1)).toEqual([second])
    expect(projectsIn(fromNow.stdout)).not.toContain(second)
    for (const command of [all, after, fromNow]) {
      command.kill('SIGINT')
      expect(await command.ended()).toBe(130)
    }
  })

  it('[HOST11] goes on over a restart of the server, at another port, with nothing lost or told twice', async () => {
    const at = place()
    const server = await at.serve()
    const made = [await createProject(server, 'before')]
    const tail = at.run(['tail', 'operators/projects', '--json'])
    await tail.said('stdout', new RegExp(made[0] ?? ''))
    server.kill('SIGTERM')
    await server.ended()
    // When it went the server said when to come back.
    await tail.said('stderr', /^holdfast: reconnecting \(attempt 1, in [1-5] s\)$/m)
    const again = await at.serve()
    made.push(await createProject(again, 'after'))
    await tail.said('stdout', new RegExp(made[1] ?? ''))
    expect(projectsIn(tail.stdout)).toEqual(made)
  })

  it('[HOST15] ends with 0 where the stream is sealed, and at once when it is there already', async () => {
    const at = place()
    await at.serve()
    const ingest = at.run(['ingest', at.files('docs', { 'a.md': '# A\n' }), '--json'])
    expect(await ingest.ended()).toBe(0)
    const lines = jsonLines(ingest.stdout)
    const { ingestionId, projectId } = lines.at(-1) as { ingestionId: string; projectId: string }
    const stream = `projects/${projectId}/ingestions/${ingestionId}`
    const tail = at.run(['tail', stream, '--json'])
    expect(await tail.ended()).toBe(0)
    // The same events with the same offsets as on the ingestion's own address.
    const told = jsonLines(tail.stdout).map(({ offset, event }) => ({ ...(event as object), offset }))
    expect(told).toEqual(lines.slice(0, -1))
    const atEnd = at.run(['tail', stream, '--from', String(lines.at(-2)?.offset)])
    expect(await atEnd.ended()).toBe(0)
    expect(atEnd.stdout).toBe('')
  })

  it('[HOST15] for people: time, type and short fields, one line an event', async () => {
    const at = place()
    const server = await at.serve()
    const id = await createProject(server, 'one')
    const tail = at.run(['tail', 'operators/projects'])
    await tail.said('stdout', new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}project_created {2}projectId=${id}\n$`))
  })

  it('[HOST15] whatever a stream holds: events without a type, values, text, bytes', async () => {
    const at = place()
    const server = await at.serve()
    const { url, token } = server
    const authorization = `Bearer ${token}`
    const put = (stream: string, type: string, body: string) =>
      fetch(`${url}/v1/stream/${stream}`, { method: 'PUT', headers: { authorization, 'content-type': type }, body })
    await put('notes/json', 'application/json', '[{"text":"kelp"},[1,2],3]')
    await put('notes/text', 'text/plain', 'kelp and wrack')
    await put('notes/bytes', 'application/octet-stream', 'kelp')
    const shown = { json: '{"text":"kelp"}\n[1,2]\n3\n', text: 'kelp and wrack\n', bytes: 'a2VscA==\n' }
    for (const [name, lines] of Object.entries(shown)) {
      const tail = at.run(['tail', `notes/${name}`])
      await tail.said('stdout', /\n$/)
      await expect.poll(() => tail.stdout).toBe(lines)
    }
  })

  it.each([
    ['projects/none', [], /^holdfast: There is no stream "projects\/none"\. \(NOT_FOUND\)\n$/],
    ['operators/projects', ['--from', '0000000000000099_0000000000000001'], /\((OFFSET_GONE|INVALID_OFFSET)\)\n$/],
    ['what ever', [], /\(INVALID_INPUT\)\n$/],
  ])('[HOST15] says why %s cannot be read, with the code', async (stream, options, why) => {
    const at = place()
    await at.serve()
    const tail = at.run(['tail', stream, ...options])
    expect(await tail.ended()).toBe(1)
    expect(tail.stderr).toMatch(why)
  })

  it('[HOST6] says so where no server runs', async () => {
    const at = place()
    const tail = at.run(['tail', 'operators/projects'])
    expect(await tail.ended()).toBe(1)
    expect(tail.stderr).toBe(`holdfast: no server runs on DATA_DIR ${at.dataDir}; npx holdfast serve starts one\n`)
  })

  it('[HOST6] says so where the server lives and does not answer', async () => {
    const at = place()
    const server = await at.serve()
    server.kill('SIGSTOP')
    const tail = at.run(['tail', 'operators/projects'])
    expect(await tail.ended()).toBe(1)
    expect(tail.stderr).toMatch(/^holdfast: the server on DATA_DIR .* \(process \d+, http:.*\) does not answer\n$/)
    server.kill('SIGCONT')
  })

  it('[HOST12] a closed pipe ends it without a word', async () => {
    const at = place()
    const server = await at.serve()
    await createProject(server, 'one')
    const main = fileURLToPath(new URL('./main.ts', import.meta.url))
    const env = { PATH: process.env.PATH, DATA_DIR: at.dataDir }
    const child = spawn(process.execPath, [main, 'tail', 'operators/projects'], { env, cwd: at.folder })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    const closed = once(child, 'close')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    for (let tries = 0; child.exitCode === null && tries < 200; tries += 1) await createProject(server, `new ${tries}`)
    expect(await closed).toEqual([141, null])
    expect(said).toBe('')
  })
})
