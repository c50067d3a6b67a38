import { beforeAll, expect, it, vi } from 'vitest'
import { ensurePageBuilt } from '../../../../scripts/build-page.ts'
import { jsonLines, type Place, place, REPOSITORY } from '../fixtures/command.ts'
import { KIND, outsideWorker } from '../fixtures/outside-worker.ts'

beforeAll(async () => {
  await ensurePageBuilt({ root: REPOSITORY })
}, 120_000)

// Whole processes, several in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })

async function ended(at: Place, args: string[]) {
  const command = at.run(args)
  const code = await command.ended()
  return { code, stdout: command.stdout, stderr: command.stderr }
}

const start = async (at: Place) => (await ended(at, ['run', 'start', KIND, '--version', '1'])).stdout.trimEnd()

it('[HOST23] shows the queues, and in its order what waits in one, and why', async () => {
  const at = place()
  const server = await at.serve()
  const [first, second] = [await start(at), await start(at)]
  const run = await outsideWorker(server).claim()
  expect(run.id).toBe(first)
  const { code, stdout } = await ended(at, ['queue'])
  expect(code).toBe(0)
  expect(stdout.split('\n')[0]).toMatch(/^QUEUE +STATE +QUEUED +WORKING +WAITING +FAILED +OLDEST$/)
  expect(stdout).toMatch(/^knit +Open +1 +1 +0 +0 +due for /m)
  expect(stdout).toMatch(/^needles +1 .*knit 1$/m)
  expect((await ended(at, ['queue', 'entries', KIND])).stdout).toMatch(
    new RegExp(`^ +1  ${second}  knit +Queued +0  \\w`, 'm'),
  )
  const entries = jsonLines((await ended(at, ['queue', 'entries', KIND, '--json'])).stdout)
  expect(entries).toMatchObject([{ type: 'entry', id: second, position: 1, why: expect.any(String) }])
  const lines = jsonLines((await ended(at, ['queue', '--json'])).stdout)
  expect(lines).toContainEqual(expect.objectContaining({ type: 'queue', name: KIND, queued: 1, working: 1 }))
  expect(lines).toContainEqual(expect.objectContaining({ type: 'worker', id: 'needles', outside: true }))
  expect((await ended(at, ['queue', 'entries', 'nobody'])).stdout).toBe('Nothing waits in nobody.\n')
})

it('[HOST23] pauses, resumes and limits queues and providers', async () => {
  const at = place()
  await at.serve()
  const id = await start(at)
  expect(await ended(at, ['queue', 'pause', KIND])).toEqual({
    code: 0,
    stdout: 'The queue knit is paused. 0 at work go on; nothing more begins.\n',
    stderr: '',
  })
  const [entry] = jsonLines((await ended(at, ['queue', 'entries', KIND, '--json'])).stdout)
  expect(entry).toMatchObject({ id, why: expect.stringMatching(/paused/i) })
  expect((await ended(at, ['queue'])).stdout).toMatch(/^knit +Paused +1 /m)
  expect((await ended(at, ['queue', 'resume', KIND])).stdout).toBe(
    'The queue knit is open: as many runs as there is room for at the same time, 0 now.\n',
  )
  expect((await ended(at, ['queue', 'limit', KIND, '2'])).stdout).toBe(
    'The queue knit is open: at most 2 runs at the same time, 0 now.\n',
  )
  const unlimited = await ended(at, ['queue', 'limit', KIND, 'none', '--json'])
  expect(jsonLines(unlimited.stdout)).toMatchObject([{ type: 'queue', name: KIND, concurrency: null }])
  expect((await ended(at, ['queue', 'limit', 'apollo', '3', '--provider'])).stdout).toBe(
    'The provider apollo is open: at most 3 steps at the same time, 0 now.\n',
  )
  expect((await ended(at, ['queue', 'pause', 'apollo', '--provider', '--json'])).code).toBe(0)
  expect((await ended(at, ['queue'])).stdout).toMatch(/^apollo +Paused +0 of 3 +0$/m)
})

it('[HOST23] says what it does not understand, with exit code 2', async () => {
  const at = place()
  for (const [args, why] of [
    [['dance'], /^holdfast: there is no "queue dance"/],
    [['pause'], /^holdfast: <name> is missing/],
    [['pause', 'knit', 'more'], /"more" is one argument too many/],
    [['limit', 'knit'], /^holdfast: <n> is missing/],
    [['limit', 'knit', 'few'], /"few" is neither a whole number nor none/],
    [['entries', 'knit', '--limit', '0'], /--limit 0 is not right/],
  ] as const) {
    const wrong = await ended(at, ['queue', ...args])
    expect([wrong.code, wrong.stdout], args.join(' ')).toEqual([2, ''])
    expect(wrong.stderr).toMatch(why)
    expect(wrong.stderr.trimEnd()).not.toContain('\n')
  }
})
