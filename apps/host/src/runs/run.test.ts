import { beforeAll, describe, expect, it, vi } from 'vitest'
import { ensurePageBuilt } from '../../../../scripts/build-page.ts'
import { jsonLines, type Place, place, REPOSITORY } from '../fixtures/command.ts'
import { KIND, outsideWorker } from '../fixtures/outside-worker.ts'

beforeAll(async () => {
  await ensurePageBuilt({ root: REPOSITORY })
}, 120_000)

// Whole processes, several in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })

/** Runs a command to its end. */
async function ended(at: Place, args: string[]) {
  const command = at.run(args)
  const code = await command.ended()
  return { code, stdout: command.stdout, stderr: command.stderr }
}

async function startKnitting(at: Place, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await ended(at, ['run', 'start', KIND, '--version', '1', ...options])
  expect([code, stderr.split('\n')[0]]).toEqual([0, expect.stringMatching(/^Started knit\. Watch it: /)])
  return stdout.trimEnd()
}

describe('run start, list and show', () => {
  it('[HOST24] starts a run, once under one key, and prints its id alone on stdout', async () => {
    const at = place()
    await at.serve()
    const first = await startKnitting(at, '--input', '{"row":1}', '--key', 'scarf', '--priority', '60')
    expect(first).toMatch(/^[\w-]+$/)
    expect(await startKnitting(at, '--input', '{"row":1}', '--key', 'scarf')).toBe(first)
    const other = await ended(at, ['run', 'start', KIND, '--version', '1', '--input', '{"row":2}', '--key', 'scarf'])
    expect([other.code, other.stdout]).toEqual([4, ''])
    expect(other.stderr).toMatch(/\(CONFLICT\)\n$/)
    const second = await startKnitting(at)

    const list = jsonLines((await ended(at, ['run', 'list', '--kind', KIND, '--json'])).stdout)
    expect(list.map(({ id }) => id)).toEqual([second, first])
    expect(list[1]).toMatchObject({ type: 'run', name: KIND, status: 'queued', priority: 60 })
    const table = (await ended(at, ['run', 'list', '--status', 'queued,working'])).stdout.split('\n')
    expect(table[0]).toMatch(/^RUN +KIND +STATUS +DONE +TOOK +WHY$/)
    expect(table[1]).toMatch(new RegExp(`^${second} +knit +Queued `))
    expect((await ended(at, ['run', 'list', '--status', 'failed'])).stdout).toBe('No runs.\n')
    expect(jsonLines((await ended(at, ['run', 'list', '--limit', '1', '--json'])).stdout)).toHaveLength(1)
  })

  it('[HOST24] shows a run: how it stands and why, its steps, and what it takes', async () => {
    const at = place()
    const server = await at.serve()
    const id = await startKnitting(at, '--input', '{"row":1}')
    const run = await outsideWorker(server).claim()
    await run.report('steps', { key: 'cast on', status: 'started' })
    await run.report('steps', { key: 'cast on', status: 'done', output: 40 })
    await run.report('progress', { done: 3, total: 12, unit: 'rows' })
    const { code, stdout } = await ended(at, ['run', 'show', id])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^knit version 1, queue knit  ${id}\nWorking, `))
    expect(stdout).toMatch(/^25 %, 3 of 12 rows/m)
    expect(stdout).toMatch(/^Input \{"row":1\}$/m)
    expect(stdout).toMatch(/^Takes now .*cancel/m)
    expect(stdout).toMatch(/^cast on +Done +1 /m)
    expect(stdout).toContain(`Page: ${server.url}/work/${id}\n`)
    const lines = jsonLines((await ended(at, ['run', 'show', id, '--json'])).stdout)
    expect(lines.map(({ type }) => type)).toEqual(['run', 'step'])
    expect(lines[0]).toMatchObject({ id, status: 'working', worker: 'needles' })
    await run.report('progress', { done: 12, total: 12, unit: 'rows' })
    await run.report('finish', { status: 'done' })
    expect((await ended(at, ['run', 'show', id])).stdout).toMatch(/^100 %, 12 of 12 rows$/m)
    expect(lines[1]).toMatchObject({ key: 'cast on', status: 'done' })
  })

  it('[HOST24] says what it refuses: with 2 what is asked wrongly, with 1 what is not there', async () => {
    const at = place()
    const alone = await ended(at, ['run', 'list'])
    expect(alone.code).toBe(1)
    expect(alone.stderr).toMatch(/^holdfast: no server runs on DATA_DIR /)
    await at.serve()
    for (const [args, code, why] of [
      [[], 2, /^holdfast: what to do is missing/],
      [['dance'], 2, /^holdfast: there is no "run dance"/],
      [['show'], 2, /^holdfast: <id> is missing/],
      [['start', KIND, '--input', '{'], 2, /^holdfast: --input is not JSON: \{/],
      [['start', KIND, '--priority', 'high'], 2, /^holdfast: --priority high is not right/],
      [['list', '--status', 'happy'], 2, /^holdfast: (?!.*status\[0\].*status\[0\]).*\(INVALID_INPUT\)/],
      [['retry', 'r1', '--from', 'here'], 2, /neither failed nor start/],
      [['start', 'nothing'], 1, /\(NOT_FOUND\)/],
      [['show', 'r1'], 1, /\(NOT_FOUND\)/],
      [['watch', 'r1'], 1, /\(NOT_FOUND\)/],
    ] as const) {
      const wrong = await ended(at, ['run', ...args])
      expect([wrong.code, wrong.stdout], args.join(' ')).toEqual([code, ''])
      expect(wrong.stderr).toMatch(why)
      expect(wrong.stderr.trimEnd()).not.toContain('\n')
    }
    const help = await ended(at, ['run', '--help'])
    expect([help.code, help.stdout.split('\n')[0]]).toEqual([0, 'holdfast run <what to do> … [--json]'])
  })
})

describe('what is said to a run', () => {
  it('[HOST25] cancels, pauses, resumes, steers and moves it: durable, and told how it stands then', async () => {
    const at = place()
    await at.serve()
    const [first, second] = [await startKnitting(at), await startKnitting(at)]
    expect(await ended(at, ['run', 'pause', first])).toMatchObject({
      code: 0,
      stdout: `knit ${first} is paused. It stands at: Paused.\n`,
    })
    expect((await ended(at, ['run', 'resume', first])).stdout).toBe(`knit ${first} goes on. It stands at: Queued.\n`)
    expect((await ended(at, ['run', 'steer', first, 'more wool'])).code).toBe(0)
    expect((await ended(at, ['run', 'answer', first, 'colour', '"red"'])).code).toBe(0)
    expect((await ended(at, ['run', 'move', second, '--before', first])).code).toBe(0)
    const entries = jsonLines((await ended(at, ['queue', 'entries', KIND, '--json'])).stdout)
    expect(entries.map(({ id }) => id)).toEqual([second, first])
    const receipt = await ended(at, ['run', 'cancel', second, '--json'])
    expect(jsonLines(receipt.stdout)).toMatchObject([
      { type: 'receipt', command: 'cancel', run: { id: second, status: 'cancelled' } },
    ])
  })

  it('[HOST25] ends with 4 what does not fit how the run stands, and with 2 what is said wrongly', async () => {
    const at = place()
    await at.serve()
    const id = await startKnitting(at)
    for (const [args, code, why] of [
      [['cancel', id, '--revision', '99999'], 4, /\(CONFLICT\)/],
      [['approve', id], 4, /\(CONFLICT\)/],
      [['retry', id], 4, /\(NOT_ENDED\)/],
      [['decide', id, 'cast on', 'done'], 4, /\(CONFLICT\)/],
      [['cancel', 'r1'], 1, /\(NOT_FOUND\)/],
      [['decide', id, 'cast on', 'perhaps'], 2, /"perhaps" is neither done, repeat nor fail/],
      [['move', id], 2, /one of --before, --after and --priority is wanted/],
      [['steer', id], 2, /<message> is missing/],
      [['cancel', id, '--comment', 'no'], 2, /run cancel has no --comment/],
      [['cancel', id, 'more'], 2, /one argument too many/],
      [['answer', id, 'colour', 'red'], 2, /<json> is not JSON: red/],
    ] as const) {
      const wrong = await ended(at, ['run', ...args])
      expect([wrong.code, wrong.stdout], args.join(' ')).toEqual([code, ''])
      expect(wrong.stderr).toMatch(why)
      expect(wrong.stderr.trimEnd()).not.toContain('\n')
    }
    expect((await ended(at, ['run', 'cancel', id])).code).toBe(0)
    expect(await ended(at, ['run', 'cancel', id])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/\(ALREADY_ENDED\)/),
    })
  })
})

describe('run watch', () => {
  it('[HOST26] tells what happens while it happens, and ends with what came of it', async () => {
    const at = place()
    const server = await at.serve()
    const id = await startKnitting(at)
    const watch = at.run(['run', 'watch', id])
    await watch.said('stdout', new RegExp(`^Watching knit ${id}\n`))
    const run = await outsideWorker(server).claim()
    await watch.said('stdout', /Working, attempt 1, at needles$/m)
    await run.report('log', { level: 'warn', message: 'half of the wool' })
    await run.report('progress', { done: 6, total: 12, unit: 'rows' })
    await watch.said('stdout', /^50 %, 6 of 12 rows/m)
    await run.report('steps', { key: 'cast on', status: 'done', output: 40 })
    await run.report('finish', { status: 'done', result: { rows: 12 } })
    expect(await watch.ended()).toBe(0)
    expect(watch.stdout).toMatch(/^\d\d:\d\d:\d\d {2}warn: half of the wool$/m)
    expect(watch.stdout).toMatch(/^\d\d:\d\d:\d\d {2}Step cast on /m)
    expect(watch.stdout).toMatch(/\nDone in [^\n]*: \{"rows":12\}\n$/)

    const again = await ended(at, ['run', 'watch', id, '--json'])
    expect(again.code).toBe(0)
    const types = jsonLines(again.stdout).map(({ type }) => type)
    expect(types[0]).toBe('queued')
    expect(types.slice(-2)).toEqual(['done', 'summary'])
    expect(jsonLines(again.stdout).at(-1)).toMatchObject({ id, status: 'done', exitCode: 0, result: { rows: 12 } })
  })

  it('[HOST26] ends with 1 where the run failed, 3 where it was cancelled; a retry is a new run, watched too', async () => {
    const at = place()
    const server = await at.serve()
    const worker = outsideWorker(server)
    const watch = at.run(['run', 'start', KIND, '--version', '1', '--watch'])
    const first = await worker.claim()
    await first.report('finish', { status: 'failed', error: { code: 'NO_WOOL', message: 'There is no wool.' } })
    expect(await watch.ended()).toBe(1)
    expect(watch.stdout).toMatch(/Failed after [^\n]*: There is no wool\. \(NO_WOOL\)\n/)
    expect(watch.stdout).toContain(`npx holdfast run retry ${first.id}\n`)

    const retry = at.run(['run', 'retry', first.id, '--watch'])
    const [, id = ''] = await retry.said('stdout', /^Watching knit ([\w-]+)\n/)
    expect(id).not.toBe(first.id)
    expect((await ended(at, ['run', 'cancel', id])).code).toBe(0)
    expect(await retry.ended()).toBe(3)
    expect(retry.stdout).toMatch(/Cancelled after /)
    const [shown] = jsonLines((await ended(at, ['run', 'show', id, '--json'])).stdout)
    expect(shown).toMatchObject({ retryOf: first.id, status: 'cancelled' })
  })

  it('[HOST26] Ctrl-C never cancels the run, and says how to watch and cancel it', async () => {
    const at = place()
    const server = await at.serve()
    const id = await startKnitting(at)
    const run = await outsideWorker(server).claim()
    const watch = at.run(['run', 'watch', id])
    await watch.said('stdout', /Working/)
    watch.kill('SIGINT')
    expect(await watch.ended()).toBe(130)
    expect(watch.stdout).toContain(`npx holdfast run watch ${id}\n`)
    expect(watch.stdout).toContain(`npx holdfast run cancel ${id}\n`)
    expect(await run.report('progress', { done: 1 })).toMatchObject({ cancelRequested: false })
    const [shown] = jsonLines((await ended(at, ['run', 'show', id, '--json'])).stdout)
    expect(shown).toMatchObject({ status: 'working', cancelRequested: false })
  })

  it('[HOST11] goes on over a restart of the server, with nothing lost or told twice', async () => {
    const at = place()
    const server = await at.serve()
    const id = await startKnitting(at)
    const watch = at.run(['run', 'watch', id, '--json'])
    await watch.said('stdout', /"type":"queued"/)
    server.kill('SIGTERM')
    await server.ended()
    await watch.said('stderr', /^holdfast: reconnecting \(attempt 1, in [1-5] s\)$/m)
    const run = await outsideWorker(await at.serve()).claim()
    await run.report('finish', { status: 'done', result: null })
    expect(await watch.ended()).toBe(0)
    const lines = jsonLines(watch.stdout)
    const offsets = lines.slice(0, -1).map(({ offset }) => String(offset))
    expect(offsets).toEqual([...new Set(offsets)].toSorted())
    expect(lines.filter(({ type }) => type === 'done')).toHaveLength(1)
  })
})
