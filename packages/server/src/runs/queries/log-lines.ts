import type { Offset } from '@holdfast/protocol'
import type { RunEvent, RunFault, RunWait } from '@holdfast/protocol/runs'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** A line of a run's log. */
export interface LogLine {
  /** Behind it, in the run's stream: lines after this one are read from here. */
  offset: Offset
  timestamp: string
  /** Of the event it was made of. */
  type: RunEvent['type']
  level: LogLevel
  message: string
  attempt?: number
}

/** What an event tells, in a sentence for people. */
export function lineOf(event: RunEvent, offset: Offset): LogLine {
  const { timestamp, type } = event
  const attempt = 'attempt' in event ? { attempt: event.attempt } : {}
  return { offset, timestamp, type, level: levelOf(event), message: messageOf(event), ...attempt }
}

function levelOf(event: RunEvent): LogLevel {
  switch (event.type) {
    case 'log':
      return event.level
    case 'progress':
    case 'step_started':
    case 'step_reused':
      return 'debug'
    case 'quiet':
    case 'stalled':
    case 'step_unknown':
      return 'warn'
    case 'step_failed':
      return event.retryAt === undefined ? 'error' : 'warn'
    case 'lost':
    case 'failed':
      return 'error'
    default:
      return 'info'
  }
}

function messageOf(event: RunEvent): string {
  switch (event.type) {
    case 'log':
      return event.message
    case 'queued':
      return `Queued in "${event.queue}"${event.dueAt === undefined ? '' : `, due at ${event.dueAt}`}.`
    case 'working':
      return `Attempt ${event.attempt} works at ${event.worker}.`
    case 'quiet':
      return `No sign of life since ${event.since}.`
    case 'stalled':
      return `Still no sign of life since ${event.since}.`
    case 'lost':
      return 'The worker is lost: its lease has ended.'
    case 'waiting':
      return event.waits.length === 0 ? 'Waits.' : `Waits for ${event.waits.map(waited).join(', ')}.`
    case 'progress':
      return `${Math.floor(event.progress.percent)} %${event.progress.message ? `: ${event.progress.message}` : ''}`
    case 'commanded':
      return `${event.by}: ${event.command}${event.name === undefined ? '' : ` "${event.name}"`}.`
    case 'child':
      return `The run ${event.run} ("${event.name}"), which it started, is ${event.status}.`
    case 'done':
      return 'Done.'
    case 'failed':
      return `Failed: ${faulty(event.error)}`
    case 'cancelled':
      return event.by === undefined ? 'Cancelled.' : `Cancelled by ${event.by}.`
    default:
      return stepMessage(event)
  }
}

function stepMessage(event: Extract<RunEvent, { type: `step_${string}` }>): string {
  const name = `step "${event.key}"`
  const step = `S${name.slice(1)}`
  switch (event.type) {
    case 'step_started':
      return event.try === 1 ? `${step} began.` : `${step} began, try ${event.try}.`
    case 'step_done':
      return `${step} is done, in ${Math.round(event.ms)} ms.`
    case 'step_failed': {
      const next = event.retryAt === undefined ? '' : ` It is tried again at ${event.retryAt}.`
      return `${step} failed, try ${event.try}: ${faulty(event.error)}${next}`
    }
    case 'step_reused':
      return `${step} had been done by the run ${event.run}.`
    case 'step_unknown':
      return `Nobody knows whether the ${name} was done: a person decides.`
    case 'step_decided':
      return `${event.by} decided on the ${name}: ${event.decision}.`
  }
}

function faulty({ code, message }: RunFault): string {
  return `${message} (${code})`
}

function waited(wait: RunWait): string {
  switch (wait.kind) {
    case 'event':
      return wait.name === 'approval' ? 'approval' : `"${wait.name}"`
    case 'sleep':
      return `the time ${wait.until}`
    case 'retry':
      return `the next try at ${wait.until}`
    case 'provider':
      return `a place at the provider "${wait.name}"`
    case 'child':
      return `the run ${wait.name}`
    case 'decision':
      return `a decision on the step "${wait.name}"`
    case 'paused':
      return 'being resumed'
    case 'version':
      return 'a worker that knows its version'
    case 'parked':
      return 'a person, parked'
  }
}
