import { type RunEvent, runStream } from '@holdfast/protocol/runs'
import type { Write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'

type Input<Event> = Event extends { timestamp: string } ? Omit<Event, 'timestamp'> & { timestamp?: string } : never

/** An event of a run's stream, as its writer gives it. */
export type RunEventInput = Input<RunEvent>

/** A write that tells something in a run's stream. */
export function tell(log: StreamLog, id: string, ...events: RunEventInput[]): Write {
  return log.appendEvents(runStream, { id }, events)
}

// What waits for the next commit of the attempt; what would be more is told at once.
const WAITING_MOST = 100
// Lines of the log beyond that are left out while the store takes nothing.
const HELD_MOST = 1_000

/**
 * What an attempt has to tell of itself and nobody waits for (a step that began, a line of its log): kept back to go
 * along with its next commit, or with one of its own soon. So a run of short steps costs no commit more for being told.
 */
export class Journal {
  readonly #clock: { now(): number }
  #waiting: RunEventInput[] = []
  #leftOut = 0

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MOST
  }

  add(event: RunEventInput): void {
    if (event.type === 'log' && this.#waiting.length >= HELD_MOST) this.#leftOut += 1
    else this.#waiting.push({ timestamp: new Date(this.#clock.now()).toISOString(), ...event })
  }

  /** What waits, for a commit that is about to be made. */
  take(): RunEventInput[] {
    const taken = this.#waiting
    this.#waiting = []
    if (this.#leftOut === 0) return taken
    const message = `${this.#leftOut} lines were left out: more came than the store took.`
    this.#leftOut = 0
    return [...taken, { type: 'log', level: 'warn', message, timestamp: new Date(this.#clock.now()).toISOString() }]
  }

  /** It was not committed: it comes before whatever was added since. */
  putBack(events: readonly RunEventInput[]): void {
    this.#waiting = [...events, ...this.#waiting]
  }
}
