import { sleep, systemClock } from '@holdfast/protocol'
import type { Violation } from './check-history.ts'
import { type Deeds, nemesis } from './nemesis.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'
import { Reader } from './reader.ts'
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
  const { seed, seconds, producers = 3, readers = 3 } = options
  const random = new Random(seed)
  await using world = await World.open(options)
  for (const stream of STREAMS) await world.create(stream)
  const [stopProducing, finishing, stopReading] = [new AbortController(), new AbortController(), new AbortController()]
  const makers = STREAMS.flatMap((stream) => {
    return Array.from({ length: producers }, (_, index) =>
      makeProducer(world, random, stream, index, stopProducing.signal),
    )
  })
  const watchers = STREAMS.flatMap((stream) => {
    return Array.from({ length: readers }, (_, index) => ({
      stream,
      reader: new Reader({
        ...{ name: `r${index}`, stream, place: world.place, manners: world.manners, history: world.history },
        ...{ hasState: stream.startsWith('rooms/'), random: random.fork() },
        ...{ finishing: finishing.signal, stop: stopReading.signal },
      }),
    }))
  })
  const reading = Promise.all(watchers.map(({ reader }) => reader.run()))
  const producing = Promise.all(makers.map((producer) => producer.run()))
  const begun = systemClock.now()
  const sealing = Promise.all(
    SEALED.map(async (stream) => {
      const sealer = makeProducer(world, random, stream, producers, stopProducing.signal)
      await sleep(systemClock, seconds * random.int(400, 800))
      await sealer.append(2, true)
    }),
  )
  const deeds = await nemesis(world, random.fork(), begun + seconds * 1000)
  stopProducing.abort()
  await Promise.all([producing, sealing])
  finishing.abort()
  await caughtUp(world, watchers)
  stopReading.abort()
  await reading
  const violations = await world.verdict(STREAMS)
  return { seed, violations, summary: summarise(world, deeds) }
}

function makeProducer(world: World, random: Random, stream: string, index: number, stop: AbortSignal): Producer {
  const repeating = world.doors.filter(({ isIdempotent }) => isIdempotent)
  // Two of three repeat what was not answered, where a door takes repetitions.
  const isIdempotent = index % 3 !== 2 && repeating.length > 0
  const doors = isIdempotent ? repeating : world.doors
  return new Producer({
    ...{ name: `${stream.replace('/', '-')}-p${index}`, stream, isRoom: stream.startsWith('rooms/'), isIdempotent },
    doors,
    ...{ place: world.place, history: world.history, random: random.fork(), pauseMs: 40, doubled: 0.05, stop },
  })
}

/** Waits until every reader stands at the end of its stream; the checker finds those that never do. */
async function caughtUp(world: World, watchers: readonly { stream: string; reader: Reader }[]): Promise<void> {
  const end = systemClock.now() + CATCH_UP_MS
  for (const { stream, reader } of watchers) {
    const { incarnation, events, sealed } = await world.readLog(stream)
    const tail = `${String(incarnation).padStart(16, '0')}_${String(events.length).padStart(16, '0')}`
    while (systemClock.now() < end && (reader.position !== tail || reader.isAtEnd !== sealed)) {
      await sleep(systemClock, 10)
    }
  }
}

function summarise({ history, server, proxy }: World, deeds: Deeds): string {
  const of = (outcome: string) => history.appends.filter((append) => append.outcome === outcome).length
  const deliveries = history.readings.flatMap(({ deliveries }) => deliveries)
  const events = deliveries.reduce((sum, { events }) => sum + events.length, 0)
  const done = Object.entries(deeds).map(([name, count]) => `${name} ${count}`)
  return [
    `${history.appends.length} appends (${of('ok')} ok, ${of('fail')} refused, ${of('unknown')} unanswered)`,
    `${history.readings.length} readings of ${events} events`,
    `${server.lives} lives, ${proxy.cuts} lines cut`,
    done.join(', '),
  ].join('; ')
}
