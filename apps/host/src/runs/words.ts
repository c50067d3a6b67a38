import type { RunFault, RunProgress, RunStatus, RunSummary, RunWait, TimeLeft } from '@holdfast/protocol/runs'
import { style } from '../terminal.ts'
import { printable } from '../text-width.ts'

/** How a run is told, in the words of the page. */

const WORDS: Record<RunStatus, string> = {
  queued: 'Queued',
  working: 'Working',
  quiet: 'Quiet',
  stalled: 'Stalled',
  lost: 'Lost',
  waiting: 'Waiting',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

const WAIT_WORDS: Record<RunWait['kind'], string> = {
  event: 'Waiting',
  sleep: 'Sleeping',
  retry: 'Retrying',
  provider: 'Waiting',
  child: 'Waiting',
  decision: 'To decide',
  paused: 'Paused',
  version: 'No worker',
  parked: 'Parked',
}

/** Of several waits the one a person can do something about is told. */
const URGENCY: readonly RunWait['kind'][] = ['decision', 'parked', 'event', 'version', 'paused', 'retry']

const PAINT: Record<RunStatus, (text: string) => string> = {
  queued: style.waiting,
  working: style.accent,
  quiet: style.waiting,
  stalled: style.waiting,
  lost: style.waiting,
  waiting: style.waiting,
  done: style.done,
  failed: style.failed,
  cancelled: style.dim,
}

export type Standing = Pick<RunSummary, 'status' | 'waits' | 'cancelRequested' | 'paused'>

/** How a run stands, in a word or two: what it waits for is told instead of that it waits. */
export function statusWord({ status, waits, cancelRequested, paused }: Standing): string {
  const isOver = status === 'done' || status === 'failed' || status === 'cancelled'
  if (!isOver && cancelRequested) return 'Cancelling'
  if (status === 'waiting') {
    const kind = URGENCY.find((one) => waits.some((wait) => wait.kind === one)) ?? waits[0]?.kind
    return kind ? WAIT_WORDS[kind] : WORDS.waiting
  }
  if (!isOver && paused) return status === 'queued' ? 'Paused' : 'Pausing'
  return WORDS[status]
}

/** In the colour of its status; the word says the same without it. */
export function painted(status: RunStatus, text: string): string {
  return PAINT[status](text)
}

/** What a run waits for, as a sentence about "it" goes on, with the command that gives it where there is one. */
export function waitText(wait: RunWait, id: string, now: number): string {
  switch (wait.kind) {
    case 'event':
      return eventText(wait, id)
    case 'sleep':
      return `sleeps for ${duration(Date.parse(wait.until) - now)}`
    case 'retry': {
      const what = wait.name === '' ? 'is tried again' : `waits for the next try of the step ${printable(wait.name)}`
      return `${what} in ${duration(Date.parse(wait.until) - now)}: ${faultText(wait.error)}`
    }
    case 'provider':
      return `waits for a free place at ${printable(wait.name)}`
    case 'child':
      return `waits for the run ${printable(wait.name)}, which it started`
    case 'decision': {
      const step = printable(wait.name)
      return `waits for a decision, nobody knows whether the step ${step} was done; npx holdfast run decide ${id} ${shellWord(step)} done|repeat|fail`
    }
    case 'paused':
      return `is paused; npx holdfast run resume ${id}`
    case 'version':
      return 'waits for a server that knows this version of it'
    case 'parked':
      return `took its server down repeatedly and is not tried any more: ${faultText(wait.error)}; npx holdfast run resume ${id}`
  }
}

function eventText({ name, question }: Extract<RunWait, { kind: 'event' }>, id: string): string {
  const asked = question === undefined ? `waits for "${printable(name)}"` : `asks: ${printable(question)}`
  const how =
    name === 'approval'
      ? `npx holdfast run approve|reject ${id}`
      : `npx holdfast run answer ${id} ${shellWord(printable(name))}`
  return `${asked}; ${how}`
}

export function faultText({ code, message }: RunFault): string {
  return `${printable(message)} (${printable(code)})`
}

/** `less than 1 s`, `42 s`, `1 m 04 s`, `3 h 05 m`, `2 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 1) return 'less than 1 s'
  if (seconds < 60) return `${seconds} s`
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`
}

/** `340 ms`, `1.2 s`, then as `duration` says it. */
export function took(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  return ms < 10_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : duration(ms)
}

/** `about 2 m 10 s left`, `1 m 00 s to 4 m 00 s left`: an estimate says how sure it is. */
export function leftText({ seconds, low, high }: TimeLeft): string {
  if (high - low <= Math.max(2, seconds * 0.25)) return `about ${duration(seconds * 1000)} left`
  return `${duration(low * 1000)} to ${duration(high * 1000)} left`
}

/** `12 of 80 files`; empty where nothing is counted. */
export function doneText({ done, total, unit }: RunProgress): string {
  if (done === 0 && total === null) return ''
  const known = total === null ? count(done) : `${count(done)} of ${count(total)}`
  return `${known} ${printable(unit ?? '')}`.trim()
}

/** `3.4 files/s`; slow work is told by the minute; empty where nothing is known. */
export function rateText({ rate, unit }: RunProgress): string {
  if (rate === null || rate <= 0) return ''
  const [value, per] = rate < 0.2 ? [rate * 60, 'm'] : [rate, 's']
  const number = value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })
  return unit === null ? `${number}/${per}` : `${number} ${printable(unit)}/${per}`
}

export function count(value: number): string {
  return value.toLocaleString('en')
}

/** As one argument of a command line that is to be copied. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
