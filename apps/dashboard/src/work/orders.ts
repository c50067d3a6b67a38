import type { CommandReceipt, RunSummary } from '@holdfast/protocol/runs'
import { hasEnded } from '@holdfast/protocol/runs'
import { useStreamClient } from '@holdfast/react'
import { useReport, useToast } from '@holdfast/ui'
import { type QueryClient, useMutation, useMutationState, useQueryClient } from '@tanstack/react-query'
import { isConflict, type RetryOrder, type RunOrder, type WorkApi } from './api.ts'
import { takeRuns } from './cached-runs.ts'
import { InTurn } from './in-turn.ts'
import { useWorkApi, workKeys } from './queries.ts'
import { lookOf } from './status.tsx'

/** A run as it was shown when somebody acted on it. */
export type Shown = RunSummary

/** Meant however the run stands by then, as long as it takes it: sent again, so often at most. */
const STEADFAST: Partial<Record<RunOrder['command'], number>> = { cancel: 3, pause: 3 }

interface Ordered {
  run: Shown
  order: RunOrder
  /** Of the command: trying again sends the same one. */
  id: string
}

const ORDER = ['work', 'order'] as const

/** What is told one run while it has not answered yet is meant for it as that leaves it. */
const turns = new InTurn<CommandReceipt>()

/** What stands on the page at once, before the server has answered. */
export function expected(run: RunSummary, order: RunOrder): Partial<RunSummary> {
  switch (order.command) {
    case 'cancel':
      return { cancelRequested: true }
    case 'pause':
      return { paused: true }
    case 'resume': {
      const waits = run.waits.filter(({ kind }) => kind !== 'paused')
      const isFree = run.status === 'waiting' && waits.length === 0
      return { paused: false, waits, ...(isFree && { status: 'queued' as const }) }
    }
    case 'priority':
      return { priority: order.priority }
    default:
      return {}
  }
}

/** What was ordered and is not answered yet, by run: laid over what the server has said, and gone when it answers. */
export function usePendingOrders(): ReadonlyMap<string, RunOrder> {
  const pending = useMutationState({
    filters: { mutationKey: ORDER, status: 'pending' },
    select: ({ state }) => state.variables as Ordered,
  })
  return new Map(pending.map(({ run, order }) => [run.id, order]))
}

/** A run with what was ordered of it laid over. */
export function overlaid(run: RunSummary, pending: ReadonlyMap<string, RunOrder>): RunSummary {
  const order = pending.get(run.id)
  return order ? { ...run, ...expected(run, order) } : run
}

const DONE_WORDS: Partial<Record<RunOrder['command'], string>> = {
  cancel: 'is being cancelled',
  pause: 'is paused',
  resume: 'goes on',
  steer: 'was told',
  approve: 'is approved',
  reject: 'is rejected',
  signal: 'has its answer',
  priority: 'has another priority',
  move: 'has another place',
  decide: 'is decided',
}

const NOT_WORDS: Record<RunOrder['command'], string> = {
  cancel: 'was not cancelled',
  pause: 'was not paused',
  resume: 'does not go on yet',
  steer: 'was not told',
  approve: 'was not approved',
  reject: 'was not rejected',
  signal: 'did not get the answer',
  priority: 'kept its priority',
  move: 'kept its place',
  decide: 'was not decided',
}

/** The order that takes another one back; `null` where none does. */
function undoOf(run: RunSummary, order: RunOrder): RunOrder | null {
  if (order.command === 'pause') return { command: 'resume' }
  if (order.command === 'resume') return { command: 'pause' }
  if (order.command === 'priority') return { command: 'priority', priority: run.priority }
  return null
}

export interface OrderOptions {
  onDone?(receipt: CommandReceipt): void
  /** Nothing is said when it went well. */
  isQuiet?: boolean
}

/**
 * The way to command a run. It is shown at once; where the server says that the run has changed meanwhile, it is shown as
 * it stands now, and that is told in words.
 */
export function useOrder(): (run: Shown, order: RunOrder, options?: OrderOptions) => void {
  const client = useStreamClient()
  const api = useWorkApi()
  const queries = useQueryClient()
  const toast = useToast()
  const report = useReport()
  const { mutateAsync } = useMutation({
    mutationKey: ORDER,
    // Without a network it is said to have failed at once, and not kept where a reload would lose it.
    networkMode: 'always',
    mutationFn: ({ run, order, id }: Ordered) =>
      turns.run(run.id, (before) => {
        const revision = Math.max(run.revision, before?.run.revision ?? 0)
        // A place is named by the neighbour: whatever else of the run has changed, it is still meant.
        return api.order(run.id, order, order.command === 'move' ? { id } : { id, revision })
      }),
    onSuccess: ({ run }) => takeRuns(queries, [run]),
  })
  const send = (run: Shown, order: RunOrder, options: OrderOptions, id: string, tries = 1) => {
    const onSuccess = (receipt: CommandReceipt) => {
      options.onDone?.(receipt)
      if (options.isQuiet) return
      const undo = undoOf(run, order)
      toast({
        title: `${run.name} ${DONE_WORDS[order.command]}`,
        tone: order.command === 'cancel' ? 'quiet' : 'done',
        ...(undo && { undo: { run: () => begin(receipt.run, undo, { isQuiet: true }) } }),
      })
    }
    const onError = async (error: Error) => {
      const title = `${run.name} ${NOT_WORDS[order.command]}`
      if (!isConflict(error)) {
        report(title, error, { onRetry: () => send(run, order, options, id) })
        return
      }
      const now = await readAnew(api, queries, run.id)
      if (now === null) return report(title, error)
      const isPossible = now.commands.some((name) => name === order.command)
      if (isPossible && tries < (STEADFAST[order.command] ?? 1)) return send(now, order, options, id, tries + 1)
      toast({
        title,
        detail: `It had changed meanwhile. ${standsNow(now)}`,
        tone: 'waiting',
        durationMs: 20_000,
        ...(isPossible && { undo: { label: 'Do it now', run: () => begin(now, order, options) } }),
      })
    }
    // Not as options of the mutation: those are dropped when the next order is given.
    void mutateAsync({ run, order, id }).then(onSuccess, onError)
  }
  const begin = (run: Shown, order: RunOrder, options: OrderOptions = {}) =>
    send(run, order, options, client.world.id())
  return begin
}

/** The way to try a run again, as a new one that is linked with it; taking it back cancels the new one. */
export function useRetryRun(): (run: Shown, order?: RetryOrder, onDone?: (run: RunSummary) => void) => void {
  const client = useStreamClient()
  const api = useWorkApi()
  const queries = useQueryClient()
  const order = useOrder()
  const toast = useToast()
  const report = useReport()
  const retry = useMutation({
    mutationKey: ['work', 'retry'],
    networkMode: 'always',
    mutationFn: ({ run, order, id }: { run: Shown; order: RetryOrder; id: string }) =>
      api.retry(run.id, order, { id, revision: run.revision }),
    onSuccess: ({ run: made }, { run }) => {
      takeRuns(queries, [{ ...run, retriedBy: made.id }])
      void queries.invalidateQueries({ queryKey: workKeys.failures })
      void queries.invalidateQueries({ queryKey: workKeys.counts })
    },
  })
  const send = (run: Shown, given: RetryOrder, id: string, onDone?: (run: RunSummary) => void) => {
    const onSuccess = ({ run: made }: { run: RunSummary }) => {
      onDone?.(made)
      const undo = { label: 'Cancel it', run: () => order(made, { command: 'cancel' }) }
      toast({ title: `${run.name} is tried again`, undo })
    }
    const onError = async (error: Error) => {
      const title = `${run.name} was not tried again`
      const now = isConflict(error) ? await readAnew(api, queries, run.id) : null
      if (now === null) report(title, error, { onRetry: () => send(run, given, id, onDone) })
      else toast({ title, detail: standsNow(now), tone: 'waiting', durationMs: 20_000 })
    }
    void retry.mutateAsync({ run, order: given, id }).then(onSuccess, onError)
  }
  return (run, given = { from: 'failed' }, onDone) => send(run, given, client.world.id(), onDone)
}

/** How the server has it now, taken into all that shows it; `null` where that cannot be read. */
async function readAnew(api: WorkApi, queries: QueryClient, id: string) {
  try {
    const run = await api.run(id)
    queries.setQueryData(workKeys.facts(id), run)
    takeRuns(queries, [run])
    return run
  } catch {
    return null
  }
}

/** How a run stands, as a sentence. */
export function standsNow(run: RunSummary): string {
  if (run.retriedBy !== null) return 'It was already tried again by another run.'
  if (run.status === 'done') return 'It is done.'
  if (run.status === 'failed') return 'It has failed.'
  if (run.status === 'cancelled') return 'It was cancelled.'
  const { word } = lookOf(run)
  return `It is ${word.toLowerCase()} now${run.why && !hasEnded(run.status) ? `: ${run.why}` : '.'}`
}
