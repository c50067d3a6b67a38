/** From when to when something was busy, Unix ms. */
export interface Span {
  from: number
  to: number
}

/** Where times stand on an axis that is drawn from 0 to 1. */
export interface TimeScale {
  from: number
  to: number
  at(time: number): number
  /** Times in which nothing was done, drawn shorter than they were. */
  breaks: { from: number; to: number; at: number; width: number }[]
  /** Round times since the start, ms, with their places. */
  ticks: { at: number; elapsed: number }[]
}

/** A break is at most this share of the whole; all breaks together at most BREAKS_SHARE. */
const BREAK_SHARE = 0.05
const BREAKS_SHARE = 0.35
/** Shorter than this a pause is drawn as it was, ms, and where it is less than this share of what was busy. */
const LEAST_BREAK_MS = 5_000
const LEAST_BREAK_SHARE = 0.25

interface Piece extends Span {
  isBreak: boolean
  weight: number
}

/**
 * An axis over the time from `from` to `to` on which work has the room: a long pause between (a night's sleep, days until
 * somebody approved) is drawn as a short break. Pure.
 */
export function makeTimeScale({ from, to, busy }: Span & { busy: readonly Span[] }): TimeScale {
  const end = Math.max(to, from + 1)
  const pieces = weigh(cut(from, end, busy))
  const whole = pieces.reduce((sum, { weight }) => sum + weight, 0)
  const placed: (Piece & { at: number; width: number })[] = []
  let at = 0
  for (const piece of pieces) {
    const width = piece.weight / whole
    placed.push({ ...piece, at, width })
    at += width
  }
  const place = (time: number) => {
    const within = Math.min(end, Math.max(from, time))
    const piece = placed.find((one) => within <= one.to) ?? placed[placed.length - 1]
    if (!piece) return 0
    return piece.at + (piece.width * (within - piece.from)) / (piece.to - piece.from)
  }
  const breaks = placed.filter(({ isBreak }) => isBreak)
  return {
    from,
    to: end,
    at: place,
    breaks: breaks.map((one) => ({ from: one.from, to: one.to, at: one.at, width: one.width })),
    ticks: makeTicks(from, end, breaks, place),
  }
}

/** The time as busy and idle pieces, in order and without gaps. */
function cut(from: number, to: number, busy: readonly Span[]): Piece[] {
  const pieces: Piece[] = []
  let reached = from
  const add = (until: number, isBreak: boolean) => {
    if (until <= reached) return
    pieces.push({ from: reached, to: until, isBreak, weight: 0 })
    reached = until
  }
  for (const span of [...busy].sort((a, b) => a.from - b.from)) {
    add(Math.min(to, Math.max(from, span.from)), true)
    add(Math.min(to, span.to), false)
  }
  add(to, true)
  return pieces
}

function weigh(pieces: Piece[]): Piece[] {
  const worked = pieces.reduce((sum, { isBreak, from, to }) => sum + (isBreak ? 0 : to - from), 0)
  const isLong = ({ from, to, isBreak }: Piece) =>
    isBreak && worked > 0 && to - from > Math.max(LEAST_BREAK_MS, worked * LEAST_BREAK_SHARE)
  const breaks = pieces.filter(isLong).length
  const full = pieces.reduce((sum, piece) => sum + (isLong(piece) ? 0 : piece.to - piece.from), 0)
  const share = Math.min(BREAK_SHARE, BREAKS_SHARE / Math.max(1, breaks))
  // So that each break is `share` of the whole it is itself a part of.
  const breakWeight = (full * share) / (1 - breaks * share)
  return pieces.map((piece) => ({
    ...piece,
    isBreak: isLong(piece),
    weight: isLong(piece) ? breakWeight : piece.to - piece.from,
  }))
}

const MOST_TICKS = 5
/** Two ticks keep at least this much between them. */
const TICK_GAP = 0.12
/** At the very end a label would have no room. */
const LAST_TICK = 0.92

function makeTicks(from: number, to: number, breaks: readonly Span[], place: (time: number) => number) {
  const drawn = to - from - breaks.reduce((sum, span) => sum + span.to - span.from, 0)
  const step = niceStep(drawn / MOST_TICKS)
  const ticks: TimeScale['ticks'] = []
  let before = Number.NEGATIVE_INFINITY
  const add = (elapsed: number) => {
    const at = place(from + elapsed)
    if (at - before < TICK_GAP || at > LAST_TICK) return
    ticks.push({ at, elapsed })
    before = at
  }
  let reached = from
  for (const pause of [...breaks, { from: to, to }]) {
    for (let next = Math.ceil((reached - from) / step) * step; from + next <= pause.from; next += step) add(next)
    reached = pause.to
  }
  return ticks
}

const NICE_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400]

/** The next round length of time, ms: 1, 2, 5, 10, 20, 50 … ms, then as clocks have it. */
export function niceStep(ms: number): number {
  if (ms < 1000) {
    const power = 10 ** Math.floor(Math.log10(Math.max(1, ms)))
    const factor = [1, 2, 5, 10].find((one) => one * power >= ms) ?? 10
    return factor * power
  }
  const seconds = NICE_SECONDS.find((one) => one * 1000 >= ms)
  return seconds === undefined ? Math.ceil(ms / 86_400_000) * 86_400_000 : seconds * 1000
}

const LEAST_AXIS_MS = 2_000

/**
 * The end of an axis of something that still goes on: ahead of `now`, and the same for a while, so that what is drawn
 * stands still and only what runs grows.
 */
export function endAhead(from: number, now: number): number {
  const length = Math.max(LEAST_AXIS_MS, now - from)
  return from + Math.ceil((length * 1.05) / grainOf(length)) * grainOf(length)
}

/** A sixteenth to an eighth of the length, as a power of two of seconds. */
function grainOf(length: number): number {
  return 2 ** Math.floor(Math.log2(length / 1000 / 8)) * 1000
}
