import { RequestError } from '@holdfast/client'
import { Empty, Failure, NoPermission, SkeletonRows, SplitPane } from '@holdfast/ui'
import { useQueryClient } from '@tanstack/react-query'
import { Layers } from 'lucide-react'
import { useWorkNews } from '../changes.ts'
import { WorkFrame } from '../frame.tsx'
import { useQueues, workKeys } from '../queries.ts'
import { useWorkRights } from '../rights.ts'
import { EntriesPane } from './entries-pane.tsx'
import { usePendingLimits, withLimits } from './limits.ts'
import { ProvidersTable } from './providers-table.tsx'
import { useQueuesRoute } from './queues-route.ts'
import { QueuesTable } from './queues-table.tsx'
import { WorkersTable } from './workers-table.tsx'

/** Queues, providers and workers: what works, what waits, and the ways to steer all of it. */
export function QueuesPage() {
  const { data, error, isPending, refetch } = useQueues()
  const { queue, choose } = useQueuesRoute()
  const { operate } = useWorkRights()
  const pending = usePendingLimits()
  const view = data && withLimits(data, pending)
  useQueueNews()
  if (error instanceof RequestError && error.status === 403) {
    return (
      <WorkFrame tab="queues">
        <NoPermission what="the queues" scope="read:runs" />
      </WorkFrame>
    )
  }
  const chosen = view?.queues.find(({ name }) => name === queue)
  const paused = view?.queues.filter((one) => one.paused || one.concurrency === 0).length ?? 0
  return (
    <WorkFrame tab="queues" note={paused > 0 ? `${paused} paused` : undefined}>
      {isPending && <SkeletonRows label="Reading the queues" />}
      {error && !data && <Failure title="The queues could not be read" error={error} onRetry={() => refetch()} />}
      {view && view.queues.length === 0 && (
        <Empty icon={Layers} title="No queue yet">
          Every kind of run has one, where its runs stand in line until there is room. It appears with the first run.
        </Empty>
      )}
      {view && (
        <SplitPane
          name="queue"
          width={460}
          list={
            <div className="flex flex-col gap-block">
              {view.queues.length > 0 && (
                <QueuesTable queues={view.queues} chosen={queue} mayOperate={operate} isTight={chosen !== undefined} />
              )}
              <ProvidersTable providers={view.providers} mayOperate={operate} />
              <WorkersTable workers={view.workers} />
            </div>
          }
          detail={
            chosen ? (
              <EntriesPane key={chosen.name} queue={chosen} onClose={() => choose(undefined)} />
            ) : queue !== undefined ? (
              <Failure
                title={`There is no queue “${queue}”`}
                error="It may have had no run for long, or a letter is missing."
              />
            ) : null
          }
        />
      )}
    </WorkFrame>
  )
}

/** Reads again what changed: the figures of all queues, and the entries of the one that is open. */
function useQueueNews(): void {
  const queries = useQueryClient()
  useWorkNews(() => {
    // An order that is on its way is not in what the server would say now: the entries are read when it has answered.
    const exact = queries.isMutating({ mutationKey: ['work', 'order'] }) > 0
    return queries.invalidateQueries({ queryKey: workKeys.queues, exact })
  })
}
