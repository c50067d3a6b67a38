import { formatOffset, sleep, systemClock } from '@holdfast/protocol'
import type { Violation } from './check-history.ts'
import { type Deeds, nemesis } from './nemesis.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'
import { Reader } from './reader.ts'
import { watchState } from './state-watcher.ts'
import { type Ways, World } from './world.ts'

export interface RunOptions extends Ways {
  seed: number
  /** How long harm is done. */
  seconds: number
  /** Default 3 producers and 3 readers of each of the four streams. */
  producers?: number
  readers?: number
}

export interface RunResult {
  seed: number
  violations: Violation[]
  /** What happened, in numbers. */
  summary: string
  /** The arguments of `npm run chaos` that do the same again. */
  again: string
}

const CATCH_UP_MS = 15_000

/** Sealed in mid-run, while others append. */
const SEALED = ['ended', 'rooms/ended']
const STREAMS = ['open', 'rooms/open', ...SEALED]

/**
 * One run: producers and readers over every door and manner, harm done to server and lines all the while, then the
 * server is killed once more and the whole history checked. The seed decides who does what and what is done to them;
 * which of two things at once comes first, the machine decides.
 */
export async function runHistory(options: RunOptions): Promise<RunResult> {
  const { seed, seconds, producers = 3, readers: readerCount = 3 } = options
  const random = new Random(seed)
  await using world = await World.open(options)
  for (const stream of STREAMS) await world.create(stream)
  const [stopProducing, finishing, stopReading] = [new AbortController(), new AbortController(), new AbortController()]
  const readers = makeReaders(world, random, readerCount, finishing.signal, stopReading.signal)
  const makers = makeProducers(world, random, producers, stopProducing.signal)
  const reading = Promise.all([...readers.map(({ reader }) => reader.run()), ...watchStates(world, stopReading.signal)])
  const producing = Promise.all(makers.map((producer) => producer.run()))
  const begun = systemClock.now()
  const sealing = Promise.all(
    SEALED.map(async (stream) => {
      const sealer = makeProducer(world, random, stream, 'sealer', stopProducing.signal)
      await sleep(systemClock, seconds * random.int(400, 800))
      await sealer.append(2, true)
    }),
  )
  const deeds = await nemesis(world, random.fork(), begun + seconds * 1000)
  stopProducing.abort()
  await Promise.all([producing, sealing])
  finishing.abort()
  await caughtUp(world, readers)
  stopReading.abort()
  await reading
  const violations = await world.verdict(STREAMS)
  const again = `--seed ${seed} --seconds ${seconds} --producers ${producers} --readers ${readerCount}`
  return { seed, violations, summary: summarise(world, deeds), again }
}

interface Watcher {
  stream: string
  reader: Reader
}

function makeReaders(
  { place, manners, history }: World,
  random: Random,
  count: number,
  finishing: AbortSignal,
  stop: AbortSignal,
): Watcher[] {
  const names = Array.from({ length: count }, (_, index) => `r${index}`)
  return STREAMS.flatMap((stream) =>
    names.map((name) => {
      const common = { name, stream, place, manners, history, finishing, stop }
      return { stream, reader: new Reader({ ...common, hasState: isRoom(stream), random: random.fork() }) }
    }),
  )
}

function watchStates({ place, history }: World, stop: AbortSignal): Promise<void>[] {
  return STREAMS.filter(isRoom).map((stream) => watchState({ name: 'watcher', stream, place, history, stop }))
}

function makeProducers(world: World, random: Random, count: number, stop: AbortSignal): Producer[] {
  const names = Array.from({ length: count }, (_, index) => `p${index}`)
  // Of three, one does not repeat what was not answered.
  return STREAMS.flatMap((stream) =>
    names.map((name, index) => makeProducer(world, random, stream, name, stop, index % 3 !== 2)),
  )
}

function makeProducer(
  { doors, place, history }: World,
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

/** Waits until every reader stands at the end of its stream; the checker finds those that never do. */
async function caughtUp(world: World, watchers: readonly Watcher[]): Promise<void> {
  const end = systemClock.now() + CATCH_UP_MS
  for (const { stream, reader } of watchers) {
    const log = await world.readLog(stream).catch(() => null)
    // That it cannot be read will be said in the end.
    if (!log) continue
    const { incarnation, events, sealed } = log
    const tail = formatOffset({ incarnation, seq: events.length })
    while (systemClock.now() < end && (reader.position !== tail || reader.isAtEnd !== sealed)) {
      await sleep(systemClock, 10)
    }
  }
}

function summarise({ history, server, proxy }: World, deeds: Deeds): string {
  const of = (outcome: string) => history.appends.filter((append) => append.outcome === outcome).length
  const deliveries = history.readings.flatMap(({ deliveries }) => deliveries)
  const events = deliveries.reduce((sum, { events }) => sum + events.length, 0)
  const full = history.appends.filter(({ wasFull }) => wasFull).length
  const done = Object.entries(deeds).map(([name, count]) => `${name} ${count}`)
  return [
    `${history.appends.length} appends (${of('ok')} ok, ${of('fail')} refused, ${of('unknown')} unanswered, ${full} met a full disk)`,
    `${history.readings.length} readings of ${events} events`,
    `${server.lives} lives, ${proxy.cuts} lines cut`,
    done.join(', '),
  ].join('; ')
}
