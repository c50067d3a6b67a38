import type { RunState, StepView } from '@holdfast/protocol/runs'

/**
 * The steps that were read, with those the stream says are being done at this moment: a step is in the list of steps
 * only once something of it is on disk. Pure.
 */
export function withRunning(steps: readonly StepView[], state: RunState | null, runId: string): StepView[] {
  if (state === null || state.steps.running.length === 0) return [...steps]
  const running = new Map(state.steps.running.map((step) => [step.key, step]))
  const known = steps.map((step) => {
    const told = running.get(step.key)
    running.delete(step.key)
    const isNewer = told && step.status === 'failed' && told.try > step.tries
    return isNewer ? { ...step, status: 'working' as const, tries: told.try, endedAt: null, retryAt: null } : step
  })
  const added = [...running.values()].map(
    ({ key, try: tries, since, provider }): StepView => ({
      key,
      status: 'working',
      effect: 'idempotent',
      provider,
      runId,
      reused: false,
      attempt: state.attempt,
      tries,
      startedAt: since,
      endedAt: null,
      error: null,
      retryAt: null,
      output: null,
    }),
  )
  return [...known, ...added]
}
