import type { RunWait } from '@holdfast/protocol/runs'
import { kindKey, type Room, type Standing } from './queries/standing.ts'
import { iso, type SummaryRow } from './queries/summary-rows.ts'

/** Why a run does not work at this moment, in one sentence for people; `null` where it works or has ended. */
export function whyNot(row: SummaryRow, standing: Standing): string | null {
  switch (row.status) {
    case 'working':
    case 'done':
    case 'failed':
    case 'cancelled':
      return null
    case 'quiet':
      return `Its worker has given no sign of life since ${clock(row.since)}.`
    case 'stalled':
      return `Its worker has given no sign of life since ${clock(row.since)}, and may have died.`
    case 'waiting':
      return whyWaiting(row, standing)
    case 'queued':
    case 'lost':
      return whyQueued(row, standing)
  }
}

function whyQueued(row: SummaryRow, standing: Standing): string {
  const { id, name, version, queue, status, isCancelRequested } = row
  if (isCancelRequested) return 'It is being cancelled.'
  const before = standing.before.get(id)
  if (before !== undefined) return `It comes after the run ${before}, which has the same key.`
  if (!row.isReady && row.dueAt > standing.now) return `It is due at ${clock(row.dueAt)}.`
  const full = whyFull(`The queue "${queue}"`, 'run', standing.queues.get(queue))
  if (full !== null) return full
  const position = standing.positions.get(id) ?? 1
  if (!standing.known.has(kindKey(name, version))) return noWorker(name, version)
  if (status === 'lost') return 'Its worker was lost; it goes on as soon as another one is free.'
  if (position > 1) return `${ahead(position - 1)} before it in the queue "${queue}".`
  return 'It is the next of its queue, and waits for a worker to be free.'
}

function ahead(count: number): string {
  if (count >= 1_000) return 'More than 1,000 runs go'
  return count === 1 ? 'One run goes' : `${count} runs go`
}

function noWorker(name: string, version: number): string {
  return `No worker that is there knows version ${version} of "${name}".`
}

/** Of a queue or a provider without room; `null` where there is some. */
function whyFull(subject: string, unit: string, room: Room | undefined): string | null {
  if (!room) return null
  if (room.isPaused) return `${subject} is paused.`
  if (room.concurrency === null || room.working < room.concurrency) return null
  if (room.concurrency === 0) return `${subject} may work on nothing: its limit is 0.`
  const units = room.concurrency === 1 ? unit : `${unit}s`
  return `${subject} is full: ${room.working} of ${room.concurrency} ${units} at the same time.`
}

// What a person can do something about comes before what passes by itself.
const ORDER: readonly RunWait['kind'][] = [
  'paused',
  'decision',
  'parked',
  'version',
  'event',
  'provider',
  'child',
  'retry',
  'sleep',
]

function whyWaiting(row: SummaryRow, standing: Standing): string {
  if (row.isCancelRequested) return 'It is being cancelled.'
  const [first] = row.waits.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
  if (!first) return 'It is about to go on.'
  const others = row.waits.length - 1
  const more = others === 0 ? '' : ` It waits for ${others} other ${others === 1 ? 'thing' : 'things'} as well.`
  return `${whyWait(first, row, standing)}${more}`
}

function whyWait(wait: RunWait, { name, version }: SummaryRow, standing: Standing): string {
  switch (wait.kind) {
    case 'paused':
      return 'A person paused it.'
    case 'decision':
      return `Nobody knows whether the step "${wait.name}" was done: a person decides.`
    case 'parked':
      return `It took its worker down again and again (${wait.error.code}): it waits for a person to retry or cancel it.`
    case 'version':
      return noWorker(name, version)
    case 'event':
      return whyEvent(wait)
    case 'provider': {
      const full = whyFull(`The provider "${wait.name}"`, 'step', standing.providers.get(wait.name))
      return full ?? `It is about to get a place at the provider "${wait.name}".`
    }
    case 'child':
      return `It waits for the end of the run ${wait.name}, which it started.`
    case 'retry': {
      const what = wait.name === '' ? 'It' : `The step "${wait.name}"`
      return `${what} failed (${wait.error.code}) and is tried again at ${clock(Date.parse(wait.until))}.`
    }
    case 'sleep':
      return `It sleeps until ${clock(Date.parse(wait.until))}.`
  }
}

function whyEvent({ name, question, until }: Extract<RunWait, { kind: 'event' }>): string {
  const what = name === 'approval' ? 'It waits for approval' : `It waits for "${name}"`
  const end = until === undefined ? '' : `, until ${clock(Date.parse(until))}`
  return question === undefined ? `${what}${end}.` : `${what}${end}: ${question}`
}

/** 2026-11-22 01:30:05 UTC. */
function clock(ms: number): string {
  return `${iso(ms).slice(0, 19).replace('T', ' ')} UTC`
}
