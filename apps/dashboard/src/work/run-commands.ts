import { hasEnded, type RunSummary } from '@holdfast/protocol/runs'

/**
 * What a run in a list takes, as far as its row tells; the server has the last word. A run's own page is told by the
 * server.
 */
export function takes(run: RunSummary): { cancel: boolean; pause: boolean; resume: boolean; retry: boolean } {
  const { status, paused, cancelRequested, retriedBy } = run
  const isOpen = !hasEnded(status) && !cancelRequested
  return {
    cancel: isOpen,
    pause: isOpen && !paused,
    resume: isOpen && paused,
    retry: (status === 'failed' || status === 'cancelled') && retriedBy === null,
  }
}
