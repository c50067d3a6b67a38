import { useStreamClient } from '@holdfast/react'
import { Button, Dialog, useReport, useStored, useToast } from '@holdfast/ui'
import { ChevronDown, ChevronUp } from 'lucide-react'
import { useState } from 'react'
import { formatCount } from '../../view.ts'
import { CancelDialog } from '../cancel-dialog.tsx'
import { PHASE_TITLES } from '../phase-titles.ts'
import { cancelIngestion } from '../requests.ts'
import { useIsNarrow } from '../use-is-narrow.ts'
import { leadOf } from './lead.ts'
import { Mark, WatchedRow } from './watched-row.tsx'
import { useWatched, useWatching, type WatchedNow } from './watching.tsx'

/** Running work in sight on every page: one line while minimised and on a phone, a short list otherwise. */
export function WatchingTray() {
  const entries = useWatched()
  const [kept, keep] = useStored('watching.open')
  const [isSheetOpen, setSheetOpen] = useState(false)
  const isNarrow = useIsNarrow()
  const act = useTrayActions(entries)
  if (entries.length === 0) return null
  const isOpen = kept !== 'no' && !isNarrow
  const toggle = () => (isNarrow ? setSheetOpen(true) : keep(isOpen ? 'no' : null))
  const rows = (onOpen?: () => void) =>
    entries.map((entry) => (
      <WatchedRow
        key={entry.ingestionId}
        entry={entry}
        onCancel={() => act.askCancel(entry)}
        onDismiss={() => act.dismiss([entry.ingestionId])}
        {...(onOpen && { onOpen })}
      />
    ))
  return (
    <div data-testid="tray" data-open={isOpen}>
      <TrayLine entries={entries} isOpen={isOpen} onToggle={toggle} onClear={act.clear} />
      {isOpen && <ul className="max-h-[min(13.5rem,30dvh)] overflow-y-auto">{rows()}</ul>}
      <Dialog open={isSheetOpen && isNarrow} onOpenChange={setSheetOpen} title="Watching">
        <ul className="-mx-3">{rows(() => setSheetOpen(false))}</ul>
        {act.clear && (
          <Button className="mt-3" onClick={act.clear}>
            Dismiss what has ended
          </Button>
        )}
      </Dialog>
      {act.cancelling && (
        <CancelDialog
          name={act.cancelling.name}
          figures={act.cancelling.figures}
          onClose={() => act.askCancel(null)}
          onConfirm={act.cancel}
        />
      )}
    </div>
  )
}

interface TrayLineProps {
  entries: readonly WatchedNow[]
  isOpen: boolean
  onToggle(): void
  onClear: (() => void) | null
}

/** The line that is always there: what is nearest to its end, or, above the list, how many there are. */
function TrayLine({ entries, isOpen, onToggle, onClear }: TrayLineProps) {
  const running = entries.filter(({ outcome, trouble }) => outcome === null && trouble === null)
  const lead = leadOf(entries)
  const Icon = isOpen ? ChevronDown : ChevronUp
  return (
    <div className="flex h-9 items-center gap-2 pr-1 pl-3 text-dense pointer-coarse:h-11">
      <button
        type="button"
        onClick={onToggle}
        aria-expanded={isOpen}
        data-testid="tray-toggle"
        className="flex h-full min-w-0 flex-1 items-center gap-2 text-left -outline-offset-2"
      >
        {isOpen || !lead ? (
          <span className="font-medium">Watching</span>
        ) : (
          <>
            <Mark entry={lead} />
            <span className="truncate font-medium">{lead.name}</span>
            <span className="numbers shrink-0 text-ink-2">{leadText(lead)}</span>
          </>
        )}
        <span className="numbers truncate text-ink-3" data-testid="tray-counts">
          {isOpen || !lead ? countsText(entries, running.length) : restText(entries.length - 1)}
        </span>
        <Icon size={16} aria-hidden="true" className="ml-auto shrink-0 text-ink-3" />
        <span className="sr-only">{isOpen ? 'Minimise' : 'Show all that is watched'}</span>
      </button>
      {isOpen && onClear && (
        <Button look="quiet" small onClick={onClear}>
          Dismiss what has ended
        </Button>
      )}
    </div>
  )
}

function leadText({ figures, outcome }: WatchedNow): string {
  if (outcome) return outcome.failed > 0 ? `${formatCount(outcome.failed)} failed` : ''
  if (!figures || figures.status === 'queued') return ''
  const { percent, phase, failed } = figures
  const parts = [phase && PHASE_TITLES[phase], failed > 0 && `${formatCount(failed)} failed`]
  return [`${Math.floor(percent)} %`, ...parts].filter(Boolean).join(' · ')
}

function restText(rest: number): string {
  return rest === 0 ? '' : `and ${rest} more`
}

function countsText(entries: readonly WatchedNow[], running: number): string {
  const ended = entries.length - running
  return [running > 0 && `${running} running`, ended > 0 && `${ended} ended`].filter(Boolean).join(' · ')
}

function useTrayActions(entries: readonly WatchedNow[]) {
  const [cancelling, askCancel] = useState<WatchedNow | null>(null)
  const { unwatch, restore } = useWatching()
  const client = useStreamClient()
  const toast = useToast()
  const report = useReport()
  const dismiss = (ids: readonly string[]) => {
    unwatch(ids)
    const [one] = entries.filter(({ ingestionId }) => ids.includes(ingestionId))
    const title = ids.length === 1 && one ? `${one.name} is no longer watched` : `${ids.length} are no longer watched`
    toast({ title, tone: 'quiet', undo: { run: () => restore(entries.map(kept), ids) } })
  }
  const ended = entries.filter(({ outcome, trouble }) => outcome !== null || trouble !== null)
  return {
    cancelling,
    askCancel,
    dismiss,
    clear: ended.length > 1 ? () => dismiss(ended.map(({ ingestionId }) => ingestionId)) : null,
    cancel: () => {
      if (!cancelling) return
      const { projectId, ingestionId, name } = cancelling
      askCancel(null)
      cancelIngestion(client, projectId, ingestionId).then(
        () => toast({ title: `${name} is being cancelled`, detail: 'What is done stays searchable.', tone: 'quiet' }),
        (error: unknown) => report(`${name} could not be cancelled`, error),
      )
    },
  }
}

function kept({ projectId, ingestionId, name, since, outcome }: WatchedNow) {
  return { projectId, ingestionId, name, since, outcome }
}
