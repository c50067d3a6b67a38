import { sleep, systemClock } from '@holdfast/protocol'
import { catchUp } from './catch-up.ts'
import type { Violation } from './check-history.ts'
import { type Done, doHarm } from './nemesis.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'
import { Reader } from './reader.ts'
import { RunStarter } from './runs/run-starter.ts'
import { watchState } from './state-watcher.ts'
import { verdict } from './verdict.ts'
import { World, type WorldOptions } from './world.ts'

export interface RunOptions extends WorldOptions {
  seed: number
  /** How long harm is done. */
  seconds: number
  /** Default 3 producers and 3 readers of each of the four streams. */
  producers?: number
  readers?: number
  /** How many start runs, one after the other. Default 2. */
  starters?: number
  /** How long runs may take to end, and readers to catch up, when all is well again, in milliseconds. Default 30,000. */
  catchUpMs?: number
  /** The harm that is done, by name; absent: all that can be. */
  deeds?: readonly string[]
  /** Harm to the servers comes while harm is done to their store, not in turns with it. Default `false`. */
  together?: boolean
}

export interface RunResult {
  seed: number
  violations: Violation[]
  /** What happened, in numbers. */
  summary: string
  /** The arguments of `npm run chaos` that do the same again. */
  again: string
}

/** Sealed in mid-run, while others append. */
const SEALED = ['ended', 'rooms/ended']
const STREAMS = ['open', 'rooms/open', ...SEALED]

/** When its parts come to their ends, one after the other. */
interface Phases {
  /** Nobody does harm, or asks for anything new, any more. */
  stopProducing: AbortController
  /** No reader begins anew. */
  finishing: AbortController
  stopReading: AbortController
}

/**
 * One run: producers, readers and starters of runs over every door, manner and node, harm done to servers, lines and
 * stores all the while, then the servers are killed once more and the whole history checked. The seed decides who does
 * what and what is done to them; which of two things at once comes first, the machine decides.
 */
export async function runHistory(options: RunOptions): Promise<RunResult> {
  const { seed, seconds } = options
  const random = new Random(seed)
  await using world = await World.open(random.fork(), options)
  for (const stream of STREAMS) await world.create(stream)
  const phases: Phases = {
    stopProducing: new AbortController(),
    finishing: new AbortController(),
    stopReading: new AbortController(),
  }
  const readers = makeReaders(world, random, options, phases)
  const reading = [...readers.map((reader) => reader.run()), ...watchStates(world, phases.stopReading.signal)]
  const makers = makeProducers(world, random, options, phases.stopProducing.signal)
  const producing = makers.map((producer) => producer.run())
  const follow = (stream: string) => {
    const reader = makeReader(world, random, stream, 'follower', phases)
    readers.push(reader)
    reading.push(reader.run())
  }
  const starting = makeStarters(world, random, options, phases.stopProducing.signal, follow).map((one) => one.run())
  const sealing = SEALED.map((stream) => sealLater(world, random, stream, seconds, phases.stopProducing.signal))
  const until = systemClock.now() + seconds * 1000
  const done = await doHarm(world, random.fork(), { names: options.deeds, together: options.together ?? false, until })
  phases.stopProducing.abort()
  await Promise.all([...producing, ...starting, ...sealing])
  phases.finishing.abort()
  await catchUp(world, readers, options.catchUpMs ?? 30_000)
  phases.stopReading.abort()
  await Promise.all(reading)
  const violations = await verdict(world, STREAMS)
  return { seed, violations, summary: summarise(world, done), again: argumentsOf(options) }
}

async function sealLater(world: World, random: Random, stream: string, seconds: number, stop: AbortSignal) {
  const sealer = makeProducer(world, random, stream, 'sealer', stop)
  await sleep(systemClock, seconds * random.int(400, 800))
  await sealer.append(2, true)
}

function makeReaders(world: World, random: Random, { readers = 3 }: RunOptions, phases: Phases): Reader[] {
  const names = Array.from({ length: readers }, (_, index) => `r${index}`)
  return STREAMS.flatMap((stream) => names.map((name) => makeReader(world, random, stream, name, phases)))
}

function makeReader(world: World, random: Random, stream: string, name: string, phases: Phases): Reader {
  const { place, manners, history } = world
  const { finishing, stopReading } = phases
  const ends = { finishing: finishing.signal, stop: stopReading.signal }
  return new Reader({ name, stream, place, manners, history, ...ends, hasState: isRoom(stream), random: random.fork() })
}

function watchStates({ place, history }: World, stop: AbortSignal): Promise<void>[] {
  return STREAMS.filter(isRoom).map((stream) => watchState({ name: 'watcher', stream, place, history, stop }))
}

function makeStarters(
  { place, history }: World,
  random: Random,
  { starters = 2 }: RunOptions,
  stop: AbortSignal,
  follow: (stream: string) => void,
): RunStarter[] {
  const onStarted = ({ stream }: { stream: string }) => follow(stream)
  return Array.from(
    { length: starters },
    (_, index) => new RunStarter({ name: `s${index}`, place, history, random: random.fork(), onStarted, stop }),
  )
}

function makeProducers(world: World, random: Random, { producers = 3 }: RunOptions, stop: AbortSignal): Producer[] {
  const names = Array.from({ length: producers }, (_, index) => `p${index}`)
  // Of three, one does not repeat what was not answered.
  const inside = STREAMS.flatMap((stream) =>
    names.map((name, index) => makeProducer(world, random, stream, name, stop, index % 3 !== 2)),
  )
  const outside = world.ground.doors.flatMap((door) =>
    STREAMS.map((stream) => makeProducer({ ...inWorld(world), doors: [door] }, random, stream, door.name, stop, false)),
  )
  return [...inside, ...outside]
}

function inWorld({ doors, place, history }: World): Pick<World, 'doors' | 'place' | 'history'> {
  return { doors, place, history }
}

function makeProducer(
  { doors, place, history }: Pick<World, 'doors' | 'place' | 'history'>,
  random: Random,
  stream: string,
  name: string,
  stop: AbortSignal,
  repeats = true,
): Producer {
  const repeating = doors.filter(({ isIdempotent }) => isIdempotent)
  const isIdempotent = repeats && repeating.length > 0
  return new Producer({
    ...{ name: `${stream.replace('/', '-')}-${name}`, stream, isRoom: isRoom(stream), isIdempotent },
    ...{ doors: isIdempotent ? repeating : doors, place, history, random: random.fork() },
    ...{ pauseMs: 40, doubled: 0.05, stop },
  })
}

function isRoom(stream: string): boolean {
  return stream.startsWith('rooms/')
}

function argumentsOf({ producers = 3, readers = 3, nodes = 1, ...options }: RunOptions): string {
  const { seed, seconds, ground, deeds, together } = options
  return [
    ...(ground ? [`--ground ${ground} --nodes ${nodes}`] : []),
    `--seed ${seed} --seconds ${seconds} --producers ${producers} --readers ${readers}`,
    ...(deeds ? [`--deeds "${deeds.join(',')}"`] : []),
    ...(together ? ['--together'] : []),
  ].join(' ')
}

function summarise({ history, nodes }: World, done: Done): string {
  const of = (outcome: string) => history.appends.filter((append) => append.outcome === outcome).length
  const deliveries = history.readings.flatMap(({ deliveries }) => deliveries)
  const events = deliveries.reduce((sum, { events }) => sum + events.length, 0)
  const full = history.appends.filter(({ wasFull }) => wasFull).length
  const ofServer = history.connections.filter(({ ended }) => ended?.by === 'server').length
  const cancelled = history.runs.filter(({ cancelled }) => cancelled === 'ok').length
  const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0)
  return [
    `${history.appends.length} appends (${of('ok')} ok, ${of('fail')} refused, ${of('unknown')} unanswered, ${full} met a full disk)`,
    `${history.readings.length} readings of ${events} events over ${history.connections.length} connections, ${ofServer} of them ended by the server`,
    `${history.runs.length} runs, ${cancelled} cancelled`,
    `${sum(nodes.map(({ server }) => server.lives))} lives, ${sum(nodes.map(({ proxy }) => proxy.cuts))} lines cut`,
    Object.entries(done)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  ].join('; ')
}
