import type { TimeLeft } from '@holdfast/protocol/runs'
import { duration } from '@holdfast/ui'

/** How long something took, exact enough to compare bars: `340 ms`, `1.2 s`, `42 s`, `1 m 04 s`. */
export function took(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  return duration(ms)
}

const UNITS = [
  { word: 's', seconds: 1, until: 90 },
  { word: 'min', seconds: 60, until: 90 * 60 },
  { word: 'h', seconds: 3600, until: 48 * 3600 },
  { word: 'days', seconds: 86_400, until: Number.POSITIVE_INFINITY },
] as const

/**
 * An estimate with its bounds, no more exact than it is: `about 2 min, 1 to 4`; `about 40 s` where the bounds say the
 * same; `a few seconds` where there is nothing to tell apart.
 */
export function timeLeftText({ seconds, low, high }: TimeLeft): string {
  if (high < 5) return 'a few seconds'
  const unit = UNITS.find(({ until }) => seconds < until) ?? UNITS[0]
  // Seconds by fives: a figure that changes every moment says nothing more.
  const grain = unit.word === 's' ? 5 : 1
  const most = Math.max(grain, Math.ceil(high / unit.seconds / grain) * grain)
  const least = Math.min(most, Math.floor(low / unit.seconds / grain) * grain)
  const estimate = Math.min(most, Math.max(grain, least, Math.round(seconds / unit.seconds / grain) * grain))
  const about = `about ${count(estimate)} ${unit.word === 'days' && estimate === 1 ? 'day' : unit.word}`
  return least === most
    ? about
    : `${about}, ${least === 0 ? `less than ${count(grain)}` : count(least)} to ${count(most)}`
}

export function count(value: number): string {
  return value.toLocaleString('en')
}

/** `1 step`, `3 steps`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** A moment of the day to the millisecond, as it is told on hover and focus. */
export function exactTime(at: string): string {
  const date = new Date(at)
  return `${date.toLocaleDateString('en-GB')} ${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
