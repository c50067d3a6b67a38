import type { BatchAction, RunSummary } from '@holdfast/protocol/runs'
import { Button, type Selection, SelectionBar } from '@holdfast/ui'
import { ArrowUpDown, Ban, type LucideIcon, Pause, Play, RotateCw } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { BATCH_WORDS, type RunSet } from '../batches.ts'
import { takes } from '../run-commands.ts'
import type { ListRoute } from './list-route.ts'

const BulkDialog = lazy(() => import('./bulk-dialog.tsx').then(({ BulkDialog }) => ({ default: BulkDialog })))

const ICONS: Record<BatchAction, LucideIcon> = {
  retry: RotateCw,
  pause: Pause,
  resume: Play,
  priority: ArrowUpDown,
  cancel: Ban,
}
const ACTIONS = Object.keys(ICONS) as BatchAction[]

interface BulkBarProps {
  selection: Selection
  total: number
  runs: readonly RunSummary[]
  route: ListRoute
}

/** What can be done with all that is selected; the dialog says with how many, and what is lost. */
export function BulkBar({ selection, total, runs, route }: BulkBarProps) {
  const [asked, setAsked] = useState<{ action: BatchAction; set: RunSet } | null>(null)
  const chosen = runs.filter(({ id }) => selection.has(id))
  // Of all that match some may fit that are not loaded.
  const fits = (action: BatchAction) =>
    selection.isAll || chosen.some((run) => takes(run)[action === 'priority' ? 'cancel' : action])
  const onStarted = (batch: string) => {
    setAsked(null)
    selection.clear()
    route.choose({ batch })
  }
  return (
    <>
      <SelectionBar selection={selection} total={total} words={['run', 'runs']}>
        {ACTIONS.filter(fits).map((action) => (
          <Button
            key={action}
            small
            icon={ICONS[action]}
            onClick={() => setAsked({ action, set: setOf(selection, route) })}
            data-testid={`bulk-${action}`}
            aria-label={action === 'priority' ? 'Priority' : BATCH_WORDS[action].verb}
          >
            <span className="max-sm:sr-only">{action === 'priority' ? 'Priority' : BATCH_WORDS[action].verb}</span>
          </Button>
        ))}
      </SelectionBar>
      {asked && (
        <Suspense>
          <BulkDialog {...asked} onClose={() => setAsked(null)} onStarted={onStarted} />
        </Suspense>
      )}
    </>
  )
}

function setOf({ isAll, ids }: Selection, { filter }: ListRoute): RunSet {
  if (!isAll) return { filter: {}, ids: [...ids] }
  return { filter, ...(ids.size > 0 && { exceptIds: [...ids] }) }
}
