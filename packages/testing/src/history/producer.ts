import { sleep, systemClock } from '@holdfast/protocol'
import type { Answer, Door } from './doors/door.ts'
import { type Append, canonical, type History } from './history.ts'
import type { Place } from './place.ts'
import type { Random } from './random.ts'

export interface ProducerOptions {
  name: string
  stream: string
  /** Whether its events are those of the defined stream. */
  isRoom: boolean
  /** Repeats what was not answered, with its triple. */
  isIdempotent: boolean
  doors: readonly Door[]
  place: Place
  history: History
  random: Random
  /** Share of its appends it repeats before the first was answered. */
  doubled: number
  /** Milliseconds it thinks between two appends, at most. */
  pauseMs: number
  /** No more appends but the one under way; nobody does harm any more. */
  stop: AbortSignal
}

// Nothing may be under way for longer than this once the servers are well again. A line to the store that went silent
// is given up 11 seconds after it was asked, and there are several.
const ANSWER_MS = 30_000

/**
 * Somebody who appends, one after the other, and remembers what was said to each. An idempotent one repeats what was
 * not answered until it is, comes back with a new epoch now and then, and tries the old one once more.
 */
export class Producer {
  readonly #options: ProducerOptions
  #epoch = 0
  #seq = 0
  #count = 0
  #isOver = false

  constructor(options: ProducerOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { random, stop, pauseMs, isIdempotent } = this.#options
    while (!stop.aborted && !this.#isOver) {
      const { outcome } = await this.append(random.chance(0.25) ? random.int(2, 6) : 1)
      // The server is gone, or its disk is full: most likely for a while.
      if (outcome !== 'ok') await sleep(systemClock, random.int(20, 150), stop).catch(() => {})
      if (isIdempotent && this.#seq > 0 && random.chance(0.05)) await this.#renew()
      await sleep(systemClock, random.int(0, pauseMs), stop).catch(() => {})
    }
  }

  /** Appends `count` events and, with `seal`, ends the stream with them. */
  async append(count: number, seal = false): Promise<Append> {
    const { name, stream, history, isIdempotent } = this.#options
    const events = Array.from({ length: count }, (_, index) => this.#event(seal && index === count - 1))
    const sequence = { epoch: this.#epoch, seq: this.#seq }
    const asked = { producer: name, stream, events, seal }
    const append = history.invoke(isIdempotent ? { ...asked, sequence } : asked)
    if (isIdempotent) await this.#insist(append)
    else settle(history, append, await this.#ask(append))
    if (isIdempotent && append.outcome === 'ok') this.#seq += 1
    // One that does not know what became of its last may not number the next.
    else if (isIdempotent || append.code === 'STREAM_SEALED') this.#isOver = true
    return append
  }

  #event(isLast: boolean): string {
    const { name, isRoom, random } = this.#options
    this.#count += 1
    const id = `${name}-${this.#count}`
    const text = 'x'.repeat(random.chance(0.08) ? random.int(1000, 120_000) : random.int(0, 200))
    if (!isRoom) return canonical({ id, text })
    const base = { timestamp: '2026-01-01T00:00:00.000Z' }
    return canonical(isLast ? { type: 'left', ...base, id } : { type: 'said', ...base, id, text })
  }

  #ask(append: Append): Promise<Answer> {
    const { name, stream, random, doors, place } = this.#options
    const { events, seal, sequence } = append
    const producer = sequence ? { producer: { id: name, ...sequence } } : {}
    return random.pick(doors).append(place, { stream, events, seal, ...producer })
  }

  /** Asks until there is an answer; what was asked before and not answered may have been taken all the same. */
  async #insist(append: Append): Promise<void> {
    const { history, random, doubled, stop } = this.#options
    let end = Number.POSITIVE_INFINITY
    let wasUnknown = false
    for (;;) {
      const asked = random.chance(doubled) ? [this.#ask(append), this.#ask(append)] : [this.#ask(append)]
      const answers = await Promise.all(asked)
      const answer = answers.find(({ type }) => type === 'ok') ?? answers.at(-1) ?? { type: 'unknown' }
      const taken = answers.find((answer) => answer.type === 'ok' && answer.offset !== undefined) ?? answer
      if (taken.type === 'ok') return settle(history, append, taken)
      if (answers.some((answer) => answer.type === 'fail' && answer.code === 'STORAGE_FULL')) append.wasFull = true
      wasUnknown ||= answers.some(({ type }) => type === 'unknown')
      const isFinal = taken.type === 'fail' && !RETRIED.has(taken.code)
      if (isFinal) return settle(history, append, taken, wasUnknown)
      if (stop.aborted) end = Math.min(end, systemClock.now() + ANSWER_MS)
      if (systemClock.now() >= end) {
        this.#complain(append, 'was not answered')
        return settle(history, append, { type: 'unknown' })
      }
      await sleep(systemClock, random.int(5, 100))
    }
  }

  /** A new life of the producer, after which the old one is refused. */
  async #renew(): Promise<void> {
    const { name, stream, history } = this.#options
    const old = { epoch: this.#epoch, seq: this.#seq }
    this.#epoch += 1
    this.#seq = 0
    const first = await this.append(1)
    if (first.outcome !== 'ok') return
    const events = [this.#event(false)]
    const late = history.invoke({ producer: name, stream, events, sequence: old, stale: true })
    settle(history, late, await this.#ask(late))
  }

  #complain({ stream, events }: Append, text: string): void {
    const { history, name } = this.#options
    history.complaints.push({ stream, text: `${events.length} events of ${name}: ${text}` })
  }
}

/** Nothing was written, and later it may be. */
const RETRIED = new Set(['STORAGE_FULL', 'UNAVAILABLE'])
const EXPECTED = new Set(['STREAM_SEALED', ...RETRIED])

function settle(history: History, append: Append, answer: Answer, wasUnknown = false): void {
  if (answer.type !== 'fail') {
    history.settle(append, answer.type, answer.type === 'ok' && answer.offset !== undefined ? answer : {})
    return
  }
  const { code } = answer
  if (!EXPECTED.has(code) && !(append.stale && code === 'PRODUCER_FENCED')) {
    history.complaints.push({ stream: append.stream, text: `an append of ${append.producer} was refused: ${code}` })
  }
  if (code === 'STORAGE_FULL') append.wasFull = true
  history.settle(append, wasUnknown ? 'unknown' : 'fail', { code })
}
