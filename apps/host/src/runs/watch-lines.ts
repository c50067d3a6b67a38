import type { RunEvent, RunState } from '@holdfast/protocol/runs'
import { style } from '../terminal.ts'
import { keepEnd, printable, textWidth } from '../text-width.ts'
import {
  doneText,
  duration,
  faultText,
  leftText,
  painted,
  rateText,
  shellWord,
  statusWord,
  took,
  waitText,
} from './words.ts'

const GAP = '  '
// As many running steps are shown at once.
const STEPS_SHOWN = 5

/** What a run's event says to whoever watches, in lines; none where what is drawn below says it already. */
export function eventLines(event: RunEvent, id: string, now: number): string[] {
  const lines = textsOf(event, id, now)
  const time = style.dim(event.timestamp.slice(11, 19))
  return lines.map((line) => `${time}${GAP}${line}`)
}

function textsOf(event: RunEvent, id: string, now: number): string[] {
  switch (event.type) {
    case 'queued':
      return [`Queued in ${printable(event.queue)}`]
    case 'working':
      return [`${style.accent('Working')}, attempt ${event.attempt}, at ${printable(event.worker)}`]
    case 'quiet':
    case 'stalled':
      return [
        `${painted(event.type, event.type === 'quiet' ? 'Quiet' : 'Stalled')}: no sign of life since ${event.since.slice(11, 19)}`,
      ]
    case 'lost':
      return [`${style.waiting('Lost')}: its worker is gone; another one takes it`]
    case 'waiting':
      return event.waits.map((wait) => `${style.waiting('Waiting')}: it ${waitText(wait, id, now)}`)
    case 'log':
      return [logLine(event)]
    case 'child':
      return [`The run ${printable(event.name)} that it started: ${event.status} (${printable(event.run)})`]
    case 'commanded':
      return [
        `${printable(event.command)}${event.name === undefined ? '' : ` ${printable(event.name)}`}, by ${printable(event.by)}`,
      ]
    case 'progress':
    case 'step_started':
    // The end is told with what came of it.
    case 'done':
    case 'failed':
    case 'cancelled':
      return []
    default:
      return [stepLine(event, id, now)]
  }
}

type StepEvent = Exclude<Extract<RunEvent, { type: `step_${string}` }>, { type: 'step_started' }>

function stepLine(event: StepEvent, id: string, now: number): string {
  const step = `Step ${style.bold(printable(event.key))}`
  switch (event.type) {
    case 'step_done':
      return `${step} ${style.dim(took(event.ms))}`
    case 'step_failed': {
      const next = event.retryAt === undefined ? '' : `; tried again in ${duration(Date.parse(event.retryAt) - now)}`
      return `${step} ${style.failed('failed')} ${faultText(event.error)}${next}`
    }
    case 'step_reused':
      return `${step} ${style.dim(`was done before, by ${printable(event.run)}`)}`
    case 'step_unknown':
      return `${step}: nobody knows whether it was done; npx holdfast run decide ${id} ${shellWord(printable(event.key))} done|repeat|fail`
    case 'step_decided':
      return `${step} is decided: ${event.decision}, by ${printable(event.by)}`
  }
}

const LEVELS = { debug: style.dim, info: (text: string) => text, warn: style.waiting, error: style.failed } as const

function logLine({ level, message }: Extract<RunEvent, { type: 'log' }>): string {
  // The level is told in words too where it matters.
  const word = level === 'warn' || level === 'error' ? `${level}: ` : ''
  return LEVELS[level](`${word}${printable(message)}`)
}

/** How a run stands, in a few lines of at most `columns` columns: bar, what is being done, what it waits for. */
export function stateLines(state: RunState, id: string, columns: number, now: number): string[] {
  const lines = [headLine(state, columns)]
  for (const { key, since } of state.steps.running.slice(0, STEPS_SHOWN)) {
    lines.push(`${GAP}${fitted(printable(key), columns - 20)}${GAP}${style.dim(duration(now - Date.parse(since)))}`)
  }
  const more = state.steps.running.length - STEPS_SHOWN
  if (more > 0) lines.push(style.dim(`${GAP}and ${more} more at the same time`))
  for (const wait of state.waits) lines.push(fitted(`${GAP}it ${waitText(wait, id, now)}`, columns))
  return lines
}

function headLine(state: RunState, columns: number): string {
  const word = painted(state.status, statusWord({ ...state, cancelRequested: false, paused: false }))
  const { progress } = state
  if (progress === null) {
    const { done } = state.steps
    const steps = done === 0 ? '' : `${GAP}${style.dim(`${done} ${done === 1 ? 'step' : 'steps'} done`)}`
    return `${word}${steps}`
  }
  const width = columns >= 110 ? 24 : columns >= 70 ? 16 : 8
  const full = Math.floor((progress.percent / 100) * width)
  const bar = painted(state.status, '━'.repeat(full)) + style.dim('╌'.repeat(width - full))
  const left = progress.left === null ? '' : leftText(progress.left)
  const phase = progress.phase === null ? '' : printable(progress.phase)
  const details = [phase, doneText(progress), rateText(progress), left, printable(progress.message ?? '')]
  const room = columns - width - 20
  let shown = ''
  for (const detail of details.filter((text) => text !== '')) {
    const next = shown === '' ? detail : `${shown}${GAP}${detail}`
    if (textWidth(next) > room) break
    shown = next
  }
  return `${bar} ${`${Math.floor(progress.percent)} %`.padStart(5)}${GAP}${word}${GAP}${style.dim(shown)}`
}

function fitted(text: string, columns: number): string {
  return keepEnd(text, Math.max(12, columns))
}
