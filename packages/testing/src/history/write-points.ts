import { sleep, systemClock } from '@holdfast/protocol'
import type { CommitSeen, WritePoint } from './faulty-database.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'
import { Reader } from './reader.ts'
import type { RunResult } from './run-history.ts'
import { type Ways, World } from './world.ts'

export interface WritePointOptions extends Ways {
  seed: number
}

/**
 * Kills the server at every write point of a short piece of work, one after the other. The work is watched once to see
 * its commits, and then done again for each point, on a stream of its own, with the server killed there and started
 * anew. All of it is checked in the end. What a seed draws here is who reads how.
 */
export async function runWritePoints(
  options: WritePointOptions,
): Promise<RunResult & { killed: number; points: number }> {
  const { seed } = options
  const random = new Random(seed)
  await using world = await World.open(options)
  const streams = ['rooms/watched']
  await world.server.commits()
  await work(world, random, 'rooms/watched')
  const points = pointsOf(await world.server.commits())
  let killed = 0
  for (const [index, point] of points.entries()) {
    const stream = `rooms/${index}-commit-${point.commit}-${point.moment}-${point.statement ?? 0}`
    streams.push(stream)
    world.server.killAt(point)
    if (await workAndComeBack(world, random, stream)) killed += 1
  }
  const violations = await world.verdict(streams)
  const summary = `killed at ${killed} of ${points.length} write points`
  return { seed, violations, summary, killed, points: points.length }
}

/** Every place at which a process can die during these commits. */
export function pointsOf(commits: readonly CommitSeen[]): WritePoint[] {
  return commits.flatMap(({ statements, appends }, index) => {
    const commit = index + 1
    const within = Array.from(
      { length: statements },
      (_, statement) => ({ commit, moment: 'within', statement }) as const,
    )
    const durable = appends ? [{ commit, moment: 'durable' } as const] : []
    return [{ commit, moment: 'before' }, ...within, ...durable, { commit, moment: 'told' }]
  })
}

/** Does the work, and starts the server again when it dies meanwhile; answers whether it did. */
async function workAndComeBack(world: World, random: Random, stream: string): Promise<boolean> {
  const { server } = world
  let isKilled = false
  const over = new AbortController()
  const died = server.ended().then(async () => {
    if (over.signal.aborted) return
    isKilled = true
    await server.start()
  })
  await work(world, random, stream)
  over.abort()
  if (isKilled) await died
  else server.killAt(null)
  return isKilled
}

/** Makes a stream, appends to it through every door, ends it; a reader reads along, in changing manners. */
async function work(world: World, random: Random, stream: string): Promise<void> {
  const { place, history, manners, doors } = world
  await world.create(stream)
  const finishing = new AbortController()
  const stop = new AbortController()
  const reader = new Reader({
    ...{ name: 'r', stream, hasState: false, place, manners, history, random: random.fork() },
    ...{ finishing: finishing.signal, stop: stop.signal },
  })
  const reading = reader.run()
  finishing.abort()
  const common = { stream, isRoom: true, place, history, pauseMs: 0, doubled: 0, stop: stop.signal }
  const producers = doors.map((door) => {
    const { name, isIdempotent } = door
    return new Producer({ ...common, name: `${stream}-${name}`, isIdempotent, doors: [door], random: random.fork() })
  })
  // Once, and, where a producer is known by then, once more; the last door ends the stream.
  for (const producer of producers.slice(0, -1)) await producer.append(2)
  await producers.at(-2)?.append(1)
  await end(producers)
  // A reader that never comes to the end is for the checker to find.
  await Promise.race([reading, sleep(systemClock, 10_000)])
  stop.abort()
  await reading
}

/** The last of them ends the stream; one that does not repeat what was not answered, until it hears that it ended. */
async function end(producers: readonly Producer[]): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const append = await producers.at(-1)?.append(1, true)
    if (append?.outcome === 'ok' || append?.sequence || append?.code === 'STREAM_SEALED') return
  }
}
