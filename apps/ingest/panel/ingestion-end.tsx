import { CopyButton, Moment } from '@holdfast/ui'
import { Check, CircleSlash, Info } from 'lucide-react'
import type { UseIngestionSocket } from '../client.ts'
import { PHASES, type Phase } from '../streams.ts'
import { formatCount } from '../view.ts'
import { PHASE_TITLES } from './phase-titles.ts'

/** How it ended, in plain words, and what that means for the documents. */
export function IngestionEnd({ live }: { live: UseIngestionSocket }) {
  const { status, state, error, view } = live
  if (state.completedAt === null) return null
  const when = <Moment at={state.completedAt} />
  if (status === 'done' && state.result) {
    const { total, failed, skipped } = state.result.files
    return (
      <End tone="text-done" icon={Check} testId="end-done">
        <p>
          Done {when}.{' '}
          {failed > 0
            ? `${formatCount(failed)} of ${filesOf(total)} could not be read; the table says why.`
            : `Nothing failed in ${filesOf(total)}.`}
          {skipped > 0 && ` ${formatCount(skipped)} skipped: unchanged, empty, or of a kind without text.`}
        </p>
      </End>
    )
  }
  if (status === 'cancelled') {
    return (
      <End tone="text-quiet" icon={Info} testId="end-cancelled">
        <p>
          Cancelled {when}
          {error ? ` in ${phaseTitle(error.phase)}` : ''}. Files that were done stay searchable; a retry goes on from
          there.
        </p>
      </End>
    )
  }
  return (
    <End tone="text-fail" icon={CircleSlash} testId="end-failed">
      <p className="font-medium">
        Failed {when}
        {error ? ` in ${phaseTitle(error.phase)}` : ''}
      </p>
      <p className="break-words text-ink-2">{error?.message}</p>
      <p className="mt-1 flex flex-wrap items-center gap-x-3 font-mono text-small text-ink-3">
        <span>{error?.errorCode}</span>
        {view?.ingestionId && (
          <span className="inline-flex items-center gap-1">
            {view.ingestionId}
            <CopyButton text={view.ingestionId} label="Copy the ingestion's id" />
          </span>
        )}
      </p>
    </End>
  )
}

function phaseTitle(phase: Phase): string {
  return PHASE_TITLES[PHASES[phase - 1] ?? PHASES[0]]
}

function filesOf(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`
}

interface EndProps {
  tone: string
  icon: typeof Check
  testId: string
  children: React.ReactNode
}

function End({ tone, icon: Icon, testId, children }: EndProps) {
  return (
    <div role="status" data-testid={testId} className="flex items-start gap-2 border-t border-line px-3 py-2">
      <Icon size={16} aria-hidden="true" className={`mt-0.5 shrink-0 ${tone}`} />
      <div className="min-w-0">{children}</div>
    </div>
  )
}
