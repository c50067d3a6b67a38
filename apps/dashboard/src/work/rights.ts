import { type RunSummary, workStream } from '@holdfast/protocol/runs'
import { useStreamClient } from '@holdfast/react'
import { mayManage, mayRead } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'

/** What whoever asks may do with work; all `false` until the server has said who that is. */
export interface WorkRights {
  /** See lists of runs. */
  list: boolean
  /** Be told of changes; lists of those who may not are read again when they come back to the page. */
  follow: boolean
  /** Change queues, providers and schedules, and many runs at once. */
  operate: boolean
  /** Command this run. */
  command(run: Pick<RunSummary, 'id' | 'stream'>): boolean
}

export function useWorkRights(): WorkRights {
  const client = useStreamClient()
  const { data } = useQuery({
    queryKey: ['me'],
    queryFn: () => client.me(),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const scope = data?.scope ?? []
  return {
    list: mayRead(scope, 'runs'),
    follow: mayRead(scope, workStream.name({})),
    operate: mayManage(scope, 'operators/queue'),
    command: ({ id, stream }) => mayManage(scope, `runs/${id}`) || mayManage(scope, stream),
  }
}
