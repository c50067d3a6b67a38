import type { TimeLeft } from '@holdfast/protocol/runs'

/** What was done between two moments: so many units in so many milliseconds. */
interface Batch {
  ms: number
  units: number
}

const MOST_BATCHES = 64
// Less than this is no evidence.
const FEWEST_BATCHES = 5
const SHORTEST_MS = 1_500
// What lies a fifth of the time back counts half: work that changes its pace is told so, and steady work loses little.
const HALF_LIFE = 1 / 5
/** Of the bounds: nine times in ten the truth lies between them, where work goes on as it did. */
const NORMAL_95 = 1.645
// No work is steadier than this; and what may be ten times as long is not known.
const LEAST_SPREAD = 0.05
const MOST_SPREAD = Math.log(10)

// The rate is of the last seconds, and of several steps where they are longer.
const RECENT_MS = 10_000
const RECENT_STEPS = 8
const RECENT_APART_MS = 250
const RECENT_LEAST_MS = 1_000
const MOST_RECENT = RECENT_MS / RECENT_APART_MS + RECENT_STEPS

// Work stands still once nothing was done for this long, and for longer than it ever was.
const STILL_MS = 10_000
const STILL_TIMES = 4

/**
 * How fast something is counted, and how long the rest will take: pure, of bounded size.
 *
 * **Time left.** Every advance gives a batch: its units and the time they took. The time per unit is the ratio estimator
 * of survey sampling, sum of times by sum of units (W. Cochran, "Sampling Techniques", 3rd ed., 1977, chapter 6), so that
 * it does not matter whether one is told of each unit or of a hundred at once. How far the batches stray from that
 * ratio tells how far the ratio itself may be off, and how far the units to come may stray by themselves; both make the
 * prediction's variance. The bounds are Student's for nine in ten, taken on the logarithm, since times lean to the
 * long side and are never negative. Older batches count less. Too many are merged in pairs, into what
 * simulation calls batch means (A. Law, "Simulation Modeling and Analysis", chapter 9): long stretches of short and of long
 * units are then not taken for so many independent ones.
 */
export class Pace {
  #batches: Batch[] = []
  #recent: { at: number; done: number }[]
  #done: number
  #at: number
  #longestMs = 0
  #steps = 0

  /** Counts from `done` at `now` (ms) on: what was done before says nothing of how fast it is done. */
  constructor(done: number, now: number) {
    this.#done = done
    this.#at = now
    this.#recent = [{ at: now, done }]
  }

  /** So much is done by now, in all. Less than before changes nothing. */
  count(done: number, now: number): void {
    const ms = Math.max(0, now - this.#at)
    const units = done - this.#done
    if (units <= 0) {
      // Before the first step of new ground the time went into going over the old.
      if (this.#batches.length === 0) this.#begin(now)
      return
    }
    this.#done = done
    this.#at += ms
    this.#longestMs = Math.max(this.#longestMs, ms)
    this.#steps += 1
    this.#batches.push({ ms, units })
    if (this.#batches.length > MOST_BATCHES) this.#batches = merged(this.#batches)
    this.#remember()
  }

  /** Units a second over the last seconds, or over the last steps where these take longer; `null` before there are any. */
  rate(now: number): number | null {
    const at = Math.max(now, this.#at)
    const steps = this.#recent.length - 1
    const first = this.#recent.findLastIndex(({ at: then }, index) => {
      return at - then >= RECENT_MS && steps - index >= Math.min(RECENT_STEPS, steps)
    })
    const from = this.#recent[Math.max(0, first)]
    if (steps === 0 || !from || at - from.at < RECENT_LEAST_MS) return null
    return ((this.#done - from.done) / (at - from.at)) * 1_000
  }

  /** Whether nothing was done for so long that nobody can say when it goes on. */
  isStill(now: number): boolean {
    return now - this.#at > Math.max(STILL_MS, STILL_TIMES * this.#longestMs)
  }

  /** Whether there is enough to tell a time from. */
  get isMeasured(): boolean {
    return this.#batches.length >= FEWEST_BATCHES && this.#measuredMs >= SHORTEST_MS
  }

  get #measuredMs(): number {
    return this.#batches.reduce((sum, { ms }) => sum + ms, 0)
  }

  /** Seconds until `units` more are done; `null` where there is too little to tell it from. */
  timeFor(units: number, now: number): TimeLeft | null {
    if (units <= 0) return { seconds: 0, low: 0, high: 0 }
    if (!this.isMeasured || this.isStill(now)) return null
    const step = this.#measuredMs / this.#steps
    const gone = Math.max(0, now - this.#at)
    // A step that takes longer than usual counts as far as it does.
    const { perUnit, ratioVariance, unitVariance, freedom } = estimate(this.#batches, Math.max(0, gone - step))
    const whole = perUnit * units
    // Nobody is told between two steps, so one of them more or less is never known.
    const variance = ratioVariance * units ** 2 + unitVariance * units + step ** 2 / 12
    const spread = Math.max(LEAST_SPREAD, (student(freedom) * Math.sqrt(variance)) / whole)
    if (!(spread <= MOST_SPREAD)) return null
    const seconds = (ms: number) => Math.max(0, ms - Math.min(gone, step)) / 1_000
    return {
      seconds: seconds(whole),
      low: seconds(whole * Math.exp(-spread)),
      high: seconds(whole * Math.exp(spread)),
    }
  }

  #begin(now: number): void {
    this.#at = Math.max(this.#at, now)
    this.#recent = [{ at: this.#at, done: this.#done }]
  }

  #remember(): void {
    const before = this.#recent.at(-2)
    // The last mark moves on until it is far enough from the one before it.
    if (before && this.#at - before.at < RECENT_APART_MS) this.#recent.pop()
    this.#recent.push({ at: this.#at, done: this.#done })
    if (this.#recent.length > MOST_RECENT) this.#recent.shift()
  }
}

/** Two by two, the oldest first. */
function merged(batches: readonly Batch[]): Batch[] {
  const pairs: Batch[] = []
  for (let index = 0; index < batches.length; index += 2) {
    const { ms = 0, units = 0 } = batches[index] ?? {}
    const next = batches[index + 1]
    pairs.push({ ms: ms + (next?.ms ?? 0), units: units + (next?.units ?? 0) })
  }
  return pairs
}

/** Milliseconds per unit, how far that may be off, and how far a unit strays from it. `overdueMs` gave no unit yet. */
function estimate(batches: readonly Batch[], overdueMs: number) {
  const all = overdueMs > 0 ? [...batches, { ms: overdueMs, units: 0 }] : batches
  const weighted = weightedByAge(all)
  const sum = (of: (batch: Batch & { weight: number }) => number) => weighted.reduce((to, batch) => to + of(batch), 0)
  const units = sum((batch) => batch.weight * batch.units)
  const perUnit = sum((batch) => batch.weight * batch.ms) / units
  const squared = (batch: Batch) => (batch.ms - perUnit * batch.units) ** 2
  const size = sum(({ weight }) => weight) ** 2 / sum(({ weight }) => weight ** 2)
  const correction = size > 1 ? size / (size - 1) : 1
  return {
    perUnit,
    ratioVariance: (correction * sum((batch) => batch.weight ** 2 * squared(batch))) / units ** 2,
    unitVariance: (correction * sum((batch) => batch.weight * squared(batch))) / units,
    freedom: Math.max(1, size - 1),
  }
}

function weightedByAge(batches: readonly Batch[]): (Batch & { weight: number })[] {
  const span = batches.reduce((sum, { ms }) => sum + ms, 0)
  let age = span
  return batches.map((batch) => {
    age -= batch.ms
    return { ...batch, weight: 2 ** (-age / (span * HALF_LIFE)) }
  })
}

/** Student's quantile of 0.95, by the first terms of its expansion around the normal one (Abramowitz and Stegun 26.7.5). */
function student(freedom: number): number {
  const z = NORMAL_95
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
}
