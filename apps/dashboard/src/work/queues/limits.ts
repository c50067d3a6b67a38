import type { ProviderView, QueuesView, QueueView } from '@holdfast/protocol/runs'
import { useReport, useToast } from '@holdfast/ui'
import { useMutation, useMutationState, useQueryClient } from '@tanstack/react-query'
import type { LimitChange } from '../api.ts'
import { useWorkApi, workKeys } from '../queries.ts'

/** A queue or a provider that is set otherwise. */
export interface LimitOrder {
  kind: 'queue' | 'provider'
  name: string
  change: LimitChange
}

const LIMIT = ['work', 'limit'] as const

/** What was set and is not answered yet, the newest last. */
export function usePendingLimits(): LimitOrder[] {
  return useMutationState({
    filters: { mutationKey: LIMIT, status: 'pending' },
    select: ({ state }) => state.variables as LimitOrder,
  })
}

/** Queues and providers with what was set of them laid over what the server has said. Pure. */
export function withLimits(view: QueuesView, orders: readonly LimitOrder[]): QueuesView {
  const laid = <View extends QueueView | ProviderView>(one: View, kind: LimitOrder['kind']): View => {
    const changes = orders.filter((order) => order.kind === kind && order.name === one.name)
    return Object.assign({}, one, ...changes.map(({ change }) => change))
  }
  return {
    ...view,
    queues: view.queues.map((queue) => laid(queue, 'queue')),
    providers: view.providers.map((provider) => laid(provider, 'provider')),
  }
}

/** The way to pause, resume and limit a queue or a provider: shown at once, put back where the server refuses. */
export function useSetLimit(): (order: LimitOrder, undo?: LimitChange) => void {
  const api = useWorkApi()
  const queries = useQueryClient()
  const toast = useToast()
  const report = useReport()
  const { mutateAsync } = useMutation({
    mutationKey: LIMIT,
    networkMode: 'always',
    mutationFn: async ({ kind, name, change }: LimitOrder) => {
      await (kind === 'queue' ? api.setQueue(name, change) : api.setProvider(name, change))
      // Over what is laid over it the server's own word comes, not what it said before.
      await queries.invalidateQueries({ queryKey: workKeys.queues, exact: true })
    },
  })
  const set = (order: LimitOrder, undo?: LimitChange) => {
    const onDone = () => {
      if (undo) toast({ title: doneWords(order), undo: { run: () => set({ ...order, change: undo }) } })
    }
    const onError = (error: Error) => {
      report(`${order.name} stays as it was`, error, { onRetry: () => set(order, undo) })
      void queries.invalidateQueries({ queryKey: workKeys.queues, exact: true })
    }
    void mutateAsync(order).then(onDone, onError)
  }
  return set
}

function doneWords({ name, change }: LimitOrder): string {
  if (change.paused !== undefined) return change.paused ? `${name} is paused` : `${name} goes on`
  if (change.concurrency === null) return `${name} has no limit`
  return change.concurrency === 0
    ? `${name} is paused by its limit`
    : `${name} may work ${change.concurrency} at a time`
}
