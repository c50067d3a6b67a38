import type { RunSummary } from '@holdfast/protocol/runs'
import { type Hotkey, type Hotkeys, useHotkeys } from '@holdfast/ui'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { CancelRunDialog } from '../cancel-run-dialog.tsx'
import { useOrder, useRetryRun } from '../orders.ts'
import { takes } from '../run-commands.ts'

/** What can be done with a row. */
export interface RunActions {
  retry(run: RunSummary): void
  pause(run: RunSummary): void
  resume(run: RunSummary): void
  /** Puts it forward in its queue. */
  prefer(run: RunSummary): void
  /** Asks first. */
  cancel(run: RunSummary): void
}

/** By how much a run is put forward, seconds. */
const PREFERENCE = 60

/** The actions of rows, the same object for as long as the list stands, and the dialog they may open. */
export function useRunActions(): { actions: RunActions; dialog: ReactNode } {
  const order = useOrder()
  const retry = useRetryRun()
  const [asked, setAsked] = useState<RunSummary | null>(null)
  const latest = useRef({ order, retry })
  useEffect(() => {
    latest.current = { order, retry }
  })
  const actions = useMemo<RunActions>(
    () => ({
      retry: (run) => latest.current.retry(run),
      pause: (run) => latest.current.order(run, { command: 'pause' }),
      resume: (run) => latest.current.order(run, { command: 'resume' }),
      prefer: (run) => latest.current.order(run, { command: 'priority', priority: run.priority + PREFERENCE }),
      cancel: setAsked,
    }),
    [],
  )
  const dialog = asked && (
    <CancelRunDialog
      run={asked}
      onClose={() => setAsked(null)}
      onConfirm={() => {
        setAsked(null)
        order(asked, { command: 'cancel' })
      }}
    />
  )
  return { actions, dialog }
}

/** The keys of the row in focus: retry, pause or resume, cancel. */
export function useRowKeys(runs: readonly RunSummary[], may: (run: RunSummary) => boolean, actions: RunActions): void {
  const focused = () => {
    const id = document.activeElement?.closest<HTMLElement>('[data-run]')?.dataset.run
    const run = runs.find((one) => one.id === id)
    return run && may(run) ? run : undefined
  }
  const key = (what: string, act: (run: RunSummary) => ((run: RunSummary) => void) | null): Hotkey => ({
    what,
    group: 'List',
    isActive: () => {
      const run = focused()
      return run !== undefined && act(run) !== null
    },
    run: () => {
      const run = focused()
      if (run) act(run)?.(run)
    },
  })
  const hotkeys: Hotkeys = {
    r: key('Retry the run in focus', (run) => (takes(run).retry ? actions.retry : null)),
    p: key('Pause or resume the run in focus', (run) => {
      const can = takes(run)
      return can.pause ? actions.pause : can.resume ? actions.resume : null
    }),
    c: key('Cancel the run in focus', (run) => (takes(run).cancel ? actions.cancel : null)),
  }
  useHotkeys(hotkeys)
}
