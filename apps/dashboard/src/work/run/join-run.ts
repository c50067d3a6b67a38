import { hasEnded, type RunDetails, type RunProgress, type RunState } from '@holdfast/protocol/runs'

/**
 * A run as its stream tells it and as the server answered, whichever is newer: the page says one thing of it, and an
 * answer that was on its way while the run went on changes nothing. `state` is `null` until the stream was read.
 */
export function joinRun(details: RunDetails, state: RunState | null): RunDetails {
  if (state === null || state.since === null) return details
  const progress = further(details.progress, state.progress)
  const isNewer = Date.parse(state.since) >= Date.parse(details.since)
  // The end is the end: what comes after it in time are answers of before.
  if (!isNewer || (hasEnded(details.status) && !hasEnded(state.status))) return { ...details, progress }
  const { status, since, waits, attempt, worker, error, priority, startedAt, endedAt } = state
  const isSame = status === details.status
  return {
    ...details,
    status,
    since,
    waits: status === 'waiting' ? waits : [],
    // The sentence is the server's: it is of another status until it was read anew.
    why: isSame ? details.why : null,
    position: isSame ? details.position : null,
    attempt: Math.max(attempt, details.attempt),
    worker,
    error: error ?? details.error,
    priority: status === 'queued' ? details.priority : priority,
    startedAt: startedAt ?? details.startedAt,
    endedAt: endedAt ?? details.endedAt,
    cancelRequested: details.cancelRequested && !hasEnded(status),
    // Which orders it takes is the server's to say; of one that has ended nothing but a retry can still be meant.
    commands: hasEnded(status) ? details.commands.filter((name) => name === 'retry') : details.commands,
    progress,
  }
}

/** Never falls; of two alike the stream's, which has the newer rate and message. */
function further(known: RunProgress | null, told: RunProgress | null): RunProgress | null {
  if (known === null || told === null) return told ?? known
  return told.percent >= known.percent ? told : known
}

/** Changes whenever something has changed that only the server's answer tells in full. */
export function signOf(state: RunState): string {
  const { status, since, attempt, waits, commands, children, steps } = state
  const last = commands[commands.length - 1]?.id
  const family = Object.values(children).join()
  return [status, since, attempt, waits.length, last, commands.length, family, steps.unknown].join(' ')
}

/** Changes whenever a step has. */
export function stepSignOf({ steps, attempt }: RunState): string {
  const { done, failed, unknown, running } = steps
  return [attempt, done, failed, unknown, ...running.map(({ key, try: time }) => `${key}#${time}`)].join(' ')
}
