import { runStream } from '@holdfast/protocol/runs'
import { expect, it } from 'vitest'
import type { HistoryNode } from '../node.ts'
import { insist, type Place } from '../place.ts'
import { Random } from '../random.ts'
import { verdict } from '../verdict.ts'
import { World } from '../world.ts'
import { RunStarter } from './run-starter.ts'
import type { WorkFound } from './work.ts'

const LEASE_MS = 1500
// The step is under way when its worker is stopped, and still when it wakes.
const STEP_MS = 4000

interface Told {
  type: string
  timestamp: string
  attempt?: number
  key?: string
}

/** Reaches one node and no other. */
const at = (world: World, { proxy }: HistoryNode): Place => ({ ...world.place, nextPort: () => proxy.port })

async function workerOf(world: World, id: string): Promise<HistoryNode | undefined> {
  for (const node of world.nodes) {
    const { text } = await insist(at(world, node), { path: `/test/runs/${id}/here` })
    if (JSON.parse(text).here) return node
  }
  return undefined
}

it('[HIST22] a worker under SIGSTOP is told of as quiet, stalled and lost, its run goes on elsewhere, and awake it changes nothing', async () => {
  await using world = await World.open(new Random(1), { ground: 'postgres', nodes: 2, leaseMs: LEASE_MS })
  const stop = new AbortController()
  const { place, history } = world
  const starter = new RunStarter({
    name: 's',
    place,
    history,
    random: new Random(2),
    onStarted: () => {},
    stop: stop.signal,
  })
  const { id } = await starter.start({ steps: 2, pauseMs: STEP_MS, heedless: true })
  await expect.poll(() => workerOf(world, id), { timeout: 10_000 }).toBeDefined()
  const stopped = await workerOf(world, id)
  const other = world.nodes.find((node) => node !== stopped)
  if (!stopped || !other) throw new Error('one node works, the other does not')
  const elsewhere = at(world, other)
  const journal = async () => (await readJournal(elsewhere, id)).filter(({ type }) => type !== 'progress')
  const find = async (): Promise<WorkFound> => JSON.parse((await insist(elsewhere, { path: `/test/runs/${id}` })).text)

  const stoppedAt = Date.now()
  const wake = stopped.server.pause()
  await expect.poll(async () => (await journal()).some(({ attempt }) => attempt === 2), { timeout: 10_000 }).toBe(true)
  const seen = await journal()
  expect(seen.map(({ type, attempt }) => [type, attempt]).slice(-5)).toEqual([
    ['working', 1],
    ['quiet', 1],
    ['stalled', 1],
    ['lost', 1],
    ['working', 2],
  ])
  const lost = seen.find(({ type }) => type === 'lost')
  // The lease was renewed before it stood still, at the latest; the machine may have other things to do.
  expect(Date.parse(lost?.timestamp ?? '') - stoppedAt).toBeLessThan(LEASE_MS + 2000)

  wake()
  await expect.poll(async () => (await find()).status, { timeout: 30_000 }).toBe('done')
  // It has come to the end of its step, and was told that its attempt is over.
  await insist(at(world, stopped), { path: `/test/runs/${id}` })
  const { rows } = await find()
  expect(rows).toEqual([
    { step: 1, attempt: 2 },
    { step: 2, attempt: 2 },
  ])
  stop.abort()
  expect(await verdict(world, [])).toEqual([])
}, 120_000)

async function readJournal(place: Place, id: string): Promise<Told[]> {
  const { text } = await insist(place, { path: `/v1/stream/${runStream.name({ id })}?offset=-1` })
  return JSON.parse(text) as Told[]
}
