import { hasEnded, type RunDetails } from '@holdfast/protocol/runs'
import { Check, Info } from 'lucide-react'
import { STATUS_MEANINGS } from '../status.tsx'

/** Why it does not work at this moment, in one sentence; of an ended run how it ended. */
export function WhyLine({ run }: { run: RunDetails }) {
  const words = wordsOf(run)
  if (words === null) return null
  const Icon = run.status === 'done' ? Check : Info
  return (
    <p role="status" data-testid="why" className="flex items-start gap-2 px-cell-x py-2">
      <Icon
        size={16}
        aria-hidden="true"
        className={`mt-0.5 shrink-0 ${run.status === 'done' ? 'text-done' : hasEnded(run.status) ? 'text-quiet' : 'text-wait'}`}
      />
      <span className="min-w-0 break-words">{words}</span>
    </p>
  )
}

function wordsOf(run: RunDetails): string | null {
  const { status, why, waits, cancelRequested, worker } = run
  if (status === 'failed' || waits.some(({ kind }) => kind === 'parked')) return null
  if (status === 'done') return 'It ended well.'
  if (status === 'cancelled') return 'It was cancelled. Steps that were done stay done: a retry goes on from there.'
  if (cancelRequested) {
    return worker === null ? 'It is being cancelled.' : 'It is being cancelled: what runs is told to stop.'
  }
  // The question itself stands above.
  if (waits.some(({ kind }) => kind === 'event' || kind === 'decision') && waits.length === 1) return null
  if (why !== null) return why
  return status === 'working' ? null : `${STATUS_MEANINGS[status]}.`
}
