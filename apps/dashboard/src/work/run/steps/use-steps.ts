import { hasEnded, type StepView } from '@holdfast/protocol/runs'
import { useMemo, useSyncExternalStore } from 'react'
import { useWorkApi } from '../../queries.ts'
import { stepSignOf } from '../join-run.ts'
import { type LiveRun, useOnChange } from '../use-live-run.ts'
import { StepPages, type StepsRead } from './step-pages.ts'
import { withRunning } from './with-running.ts'

const PAGE_SIZE = 200
/** While steps come and go they are read again at most this often, ms. */
const READ_EVERY_MS = 700

export interface Steps {
  read: StepsRead
  /** With those that run at this moment. */
  steps: readonly StepView[]
  more(): void
  /** Reads again what may have changed. */
  refresh(): void
}

/** The steps of a run, kept up with its stream. */
export function useSteps({ run, state }: LiveRun): Steps {
  const api = useWorkApi()
  const pages = useMemo(
    () => new StepPages((cursor, signal) => api.steps(run.id, { limit: PAGE_SIZE, cursor }, signal)),
    [api, run.id],
  )
  const read = useSyncExternalStore(pages.subscribe, pages.getSnapshot)
  useOnChange(state && stepSignOf(state), READ_EVERY_MS, () => pages.refresh())
  // Steps of an earlier run began before others that are known; and at the end nothing may be missing.
  const reused = run.retryOf === null ? 0 : state?.steps.reused
  const whole = state && `${hasEnded(run.status)} ${reused}`
  useOnChange(whole, READ_EVERY_MS, () => pages.refresh(true))
  const steps = useMemo(() => withRunning(read.steps, state, run.id), [read.steps, state, run.id])
  return { read, steps, more: () => pages.more(), refresh: () => pages.refresh() }
}
