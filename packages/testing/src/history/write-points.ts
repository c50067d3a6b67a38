import { sleep, systemClock } from '@holdfast/protocol'
import type { CommitSeen, WritePoint } from './faulty-database.ts'
import { canonical } from './history.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'
import { Reader } from './reader.ts'
import type { RunResult } from './run-history.ts'
import type { ServerProcess } from './server-process.ts'
import { verdict } from './verdict.ts'
import { World, type WorldOptions } from './world.ts'

export interface WritePointOptions extends WorldOptions {
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
  // No lease is renewed meanwhile: every commit is one of the work.
  await using world = await World.open(random.fork(), { leaseMs: 3_600_000, ...options })
  const names = ['watched', 'watched-again']
  const watched = [await watch(world, random, 'watched'), await watch(world, random, 'watched-again')]
  // What the house does beside the work, now and then, is no part of it.
  const points = pointsOf(watched.sort((a, b) => a.length - b.length)[0] ?? [])
  let killed = 0
  for (const [index, point] of points.entries()) {
    const name = `${index}-commit-${point.commit}-${point.moment}-${point.statement ?? 0}`
    names.push(name)
    serverOf(world).killAt(point)
    if (await workAndComeBack(world, random, name)) killed += 1
  }
  const violations = await verdict(
    world,
    names.flatMap((name) => [`rooms/${name}`, `made/${name}`]),
  )
  const summary = `killed at ${killed} of ${points.length} write points`
  return { seed, violations, summary, again: `--seed ${seed} --minutes 0`, killed, points: points.length }
}

/** The one that is killed. */
function serverOf({ nodes: [node] }: World): ServerProcess {
  if (!node) throw new RangeError('there is no server')
  return node.server
}

/** Does the work undisturbed; answers its commits. */
async function watch(world: World, random: Random, name: string): Promise<CommitSeen[]> {
  await serverOf(world).commits()
  await work(world, random, name)
  return serverOf(world).commits()
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
async function workAndComeBack(world: World, random: Random, name: string): Promise<boolean> {
  const server = serverOf(world)
  let isKilled = false
  const over = new AbortController()
  const died = server.ended().then(async () => {
    if (over.signal.aborted) return
    isKilled = true
    await server.start()
  })
  await work(world, random, name)
  over.abort()
  if (isKilled) await died
  else server.killAt(null)
  return isKilled
}

/** Makes two streams, appends through every door, ends one; a reader reads along, in changing manners. */
async function work(world: World, random: Random, name: string): Promise<void> {
  const { place, history, manners, doors } = world
  const stream = `rooms/${name}`
  await world.put(`made/${name}`, canonical({ id: `the first of made/${name}` }))
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
    const { isIdempotent } = door
    return new Producer({ ...common, name: `${name}-${door.name}`, isIdempotent, doors: [door], random: random.fork() })
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
