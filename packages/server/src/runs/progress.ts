import { HoldfastError } from '@holdfast/protocol'
import type { RunProgress, TimeLeft } from '@holdfast/protocol/runs'
import { Pace } from './pace.ts'

/** The phases of a run in their order, with the share each has of the whole (any positive numbers). */
export type PhaseWeights = Readonly<Record<string, number>>

/** What a run's code says of how far it is. */
export interface ProgressReport {
  /** One of the definition's phases: those before it are over. Absent: the one it is in. */
  phase?: string
  done?: number
  /** `null` as long as nobody knows. */
  total?: number | null
  /** What is counted: `files`. */
  unit?: string
  /** What is being done, in a few words. */
  message?: string
}

/** A phase as far as this attempt has told of it. */
interface PhaseCount {
  done: number
  total: number | null
  unit: string | null
  pace: Pace
  /** How the total grows while it is worked on. */
  growth: Pace | null
}

interface Phase {
  name: string | null
  /** Of 1. */
  share: number
  /** What lies before it, of 1. */
  before: number
  counted: PhaseCount | null
  /** What of the whole was done in it in this attempt, and how long that took. */
  gained: number
  ms: number
}

const MESSAGE_LENGTH = 200
const UNIT_LENGTH = 40

// How far a phase may be off that is told by its weight alone. Fourfold either way is what projects are off by
// before anything is known of them (B. Boehm, "Software Engineering Economics", 1981: the cone of uncertainty).
const UNKNOWN_FACTOR = 4
// Two phases whose weights fit may still be followed by one whose weight does not; one that took no time says little.
const LEAST_FACTOR = 2
const MOST_FACTOR = 10
const SHORTEST_MS = 1_500

/**
 * How far a run is, of what its code reports: pure, one for each attempt.
 *
 * **Percent** is of the whole: the shares of the phases before, and of the phase itself what is done of its total. It never
 * falls: where totals grow, phases come in another order, or a new attempt goes over what an older one had done, it
 * stands until it is passed. `start` is what was stored last.
 *
 * **Rate and time left** are of what is new in this attempt: what is only gone over again says nothing of how fast work
 * is. The phase at hand is estimated by its own counts (pace.ts says how, and how sure that is); where its total has
 * grown lately the upper bound assumes that it goes on growing. Phases to come are estimated by their weights, at the time a
 * share of the whole took in the phases so far: with one phase to tell from the bounds are four times less and more,
 * with several the factor their weights were off by among themselves, two to ten. Bounds of phases are added, which is
 * wide, since what makes one phase slow often makes the next slow too. There is no time left while the total of the phase
 * is not known, while there is too little to tell from, and while the work stands still.
 */
export class ProgressMeter {
  readonly #phases: Phase[]
  /** The phase an earlier attempt had come to. */
  readonly #startIndex: number
  #index: number
  #percent: number
  #message: string | null
  /** How far this attempt has come in what was new, of 1, and when. */
  #reached: number
  #reachedAt: number
  #isNew = false

  /**
   * `phases` as the definition has them, none for work that is one piece; `start` is what an earlier attempt had
   * reported last. Times are milliseconds.
   */
  constructor(options: {
    phases: PhaseWeights | readonly string[] | undefined
    start: RunProgress | null
    now: number
  }) {
    const { start, now } = options
    this.#phases = phasesOf(options.phases)
    const index = this.#phases.findIndex(({ name }) => name === (start?.phase ?? null))
    this.#startIndex = index
    this.#index = Math.max(0, index)
    this.#percent = start?.percent ?? 0
    this.#message = start?.message ?? null
    this.#reached = this.#percent / 100
    this.#reachedAt = now
    const phase = this.#phases[this.#index]
    if (start && phase && index >= 0) {
      const { done, total, unit } = start
      phase.counted = { done, total, unit, pace: new Pace(done, now), growth: null }
    }
  }

  /** Takes a report. INVALID_INPUT, and nothing changed, for a phase the definition does not name and for what is no count. */
  report(report: ProgressReport, now: number): RunProgress {
    const index = this.#check(report)
    const before = this.#phase
    const hasMoved = index !== this.#index
    this.#index = index
    this.#count(report, now)
    const raw = this.#position()
    // In hundredths, rounded down: a hundred is said of the end alone.
    this.#percent = Math.min(100, Math.max(this.#percent, Math.floor(raw * 10_000 + 1e-6) / 100))
    this.#gain(before, raw, now)
    if (report.message !== undefined) this.#message = report.message.slice(0, MESSAGE_LENGTH)
    else if (hasMoved) this.#message = null
    return this.current(now)
  }

  /** How far it is by now, without a new report: the rate and the time left go on with time. */
  current(now: number): RunProgress {
    const { name, counted } = this.#phase
    return {
      percent: this.#percent,
      phase: name,
      done: counted?.done ?? 0,
      total: counted?.total ?? null,
      unit: counted?.unit ?? null,
      rate: rounded(counted?.pace.rate(now) ?? null),
      left: shown(this.#left(now)),
      message: this.#message,
    }
  }

  get #phase(): Phase {
    return this.#phases[this.#index] as Phase
  }

  #check({ phase, done, total }: ProgressReport): number {
    const index = phase === undefined ? this.#index : this.#phases.findIndex(({ name }) => name === phase)
    const errors = [
      ...(index < 0 ? [{ field: 'phase', message: `is none of ${this.#names()}` }] : []),
      ...(isCount(done ?? 0) ? [] : [{ field: 'done', message: 'is no number from 0 on' }]),
      ...(isCount(total ?? 0) ? [] : [{ field: 'total', message: 'is no number from 0 on' }]),
    ]
    if (errors.length > 0) throw new HoldfastError('INVALID_INPUT', 'The report of progress is not valid.', { errors })
    return index
  }

  #names(): string {
    const names = this.#phases.flatMap(({ name }) => (name === null ? [] : [`"${name}"`]))
    return names.length === 0 ? 'those of the run, which has none' : names.join(', ')
  }

  #count({ done, total, unit }: ProgressReport, now: number): void {
    const phase = this.#phase
    // A phase that an earlier attempt had ended is gone over: what is reported of it is not measured.
    const from = this.#index < this.#startIndex ? Number.POSITIVE_INFINITY : (done ?? 0)
    const counted = phase.counted ?? { done: 0, total: null, unit: null, pace: new Pace(from, now), growth: null }
    phase.counted = counted
    // Less of less: it is counted anew, and not gone over.
    const isAnew = (total ?? Number.POSITIVE_INFINITY) < (counted.total ?? 0) && (done ?? counted.done) < counted.done
    if (isAnew) counted.pace = new Pace(done ?? 0, now)
    if (done !== undefined) counted.done = done
    if (total !== undefined) counted.total = total
    if (unit !== undefined) counted.unit = unit.slice(0, UNIT_LENGTH)
    counted.pace.count(counted.done, now)
    if (counted.total === null) counted.growth = null
    else if (counted.growth) counted.growth.count(counted.total, now)
    else counted.growth = new Pace(counted.total, now)
  }

  /** How much of the whole lies behind, of 1, as this attempt tells it. */
  #position(): number {
    const { before, share, counted } = this.#phase
    return before + share * fractionOf(counted)
  }

  /** What was gained, and the time it took, is of the phase in which it was. */
  #gain(phase: Phase, raw: number, now: number): void {
    if (raw > this.#reached) {
      phase.gained += raw - this.#reached
      phase.ms += Math.max(0, now - this.#reachedAt)
      this.#reached = raw
      this.#isNew = true
    } else if (this.#isNew) return
    this.#reachedAt = Math.max(now, this.#reachedAt)
  }

  #left(now: number): TimeLeft | null {
    const { counted, share } = this.#phase
    if (!counted || counted.total === null) return null
    const units = Math.max(0, counted.total - counted.done)
    const ahead = this.#phases.slice(this.#index + 1)
    const shares = ahead.reduce((sum, phase) => sum + phase.share * (1 - fractionOf(phase.counted)), 0)
    if (units + shares > 0 && counted.pace.isStill(now)) return null
    if (units > 0 && !counted.pace.isMeasured) {
      // It has just begun: told by its weight, as if it lay ahead.
      const others = this.#phases.filter((phase) => phase.counted !== counted)
      return byWeight(shares + share * (1 - fractionOf(counted)), others)
    }
    const own = counted.pace.timeFor(units, now)
    const here = own && grown(own, units, counted.growth?.rate(now) ?? 0)
    const then = byWeight(shares, this.#phases)
    return here && then && added(here, then)
  }
}

/** How long so much of the whole takes, by what `phases` took; `null` where that says too little. */
function byWeight(share: number, phases: readonly Phase[]): TimeLeft | null {
  if (share <= 0) return { seconds: 0, low: 0, high: 0 }
  const measured = phases.filter(({ gained, ms }) => gained > 0 && ms > 0)
  const ms = measured.reduce((sum, phase) => sum + phase.ms, 0)
  if (ms < SHORTEST_MS) return null
  const paces = measured.map((phase) => phase.ms / phase.gained)
  const apart = Math.max(...paces) / Math.min(...paces)
  const factor = measured.length === 1 ? UNKNOWN_FACTOR : Math.min(Math.max(apart, LEAST_FACTOR), MOST_FACTOR)
  const seconds = ((ms / measured.reduce((sum, { gained }) => sum + gained, 0)) * share) / 1_000
  return { seconds, low: seconds / factor, high: seconds * factor }
}

/** The upper bound where `units` more grow by `rate` a second; `null` where they grow as fast as they are done. */
function grown(left: TimeLeft, units: number, rate: number): TimeLeft | null {
  if (rate <= 0 || units === 0) return left
  const net = 1 - (rate * left.high) / units
  return net > 0.1 ? { ...left, high: left.high / net } : null
}

function added(one: TimeLeft, other: TimeLeft): TimeLeft {
  return { seconds: one.seconds + other.seconds, low: one.low + other.low, high: one.high + other.high }
}

function fractionOf(counted: PhaseCount | null): number {
  if (!counted || counted.total === null) return 0
  return counted.done >= counted.total ? 1 : counted.done / counted.total
}

function phasesOf(phases: PhaseWeights | readonly string[] | undefined): Phase[] {
  const named = Array.isArray(phases) ? phases.map((name: string) => [name, 1] as const) : Object.entries(phases ?? {})
  const weights: (readonly [string | null, number])[] = named.length === 0 ? [[null, 1]] : named
  const whole = weights.reduce((sum, [, weight]) => sum + weight, 0)
  if (!weights.every(([, weight]) => weight > 0) || !Number.isFinite(whole)) {
    throw new HoldfastError('INVALID_INPUT', 'The weights of phases are positive numbers.')
  }
  let before = 0
  return weights.map(([name, weight]) => {
    const share = weight / whole
    before += share
    return { name, share, before: before - share, counted: null, gained: 0, ms: 0 }
  })
}

function isCount(value: number): boolean {
  return Number.isFinite(value) && value >= 0
}

function rounded(rate: number | null): number | null {
  return rate === null ? null : Number(rate.toPrecision(3))
}

/** In tenths of a second: the bounds rounded away from what lies between them. */
function shown(left: TimeLeft | null): TimeLeft | null {
  if (!left || !Number.isFinite(left.high)) return null
  return {
    seconds: Math.round(left.seconds * 10) / 10,
    low: Math.floor(left.low * 10) / 10,
    high: Math.ceil(left.high * 10) / 10,
  }
}
