import { useReport } from '@holdfast/ui'
import { formatCount } from '../view.ts'
import { type RetrySet, useProjectActions, useRetryToast } from './actions.ts'
import { useProjectRoute } from './project-route.ts'

/** Tries a set of failed files again, says how many, and leads to what works on them. */
export function useRetryFiles(projectId: string): (set: RetrySet, count: number) => void {
  const { retrySet } = useProjectActions(projectId)
  const { choose } = useProjectRoute()
  const report = useReport()
  const tell = useRetryToast(projectId)
  return (set, count) =>
    retrySet.mutate(set, {
      onSuccess: ({ files, retries }) => {
        choose({ ingestion: undefined })
        const words = files === 1 ? '1 file is tried again' : `${formatCount(files)} files are tried again`
        tell(
          words,
          retries.map(({ ingestionId }) => ingestionId),
        )
      },
      onError: (error) =>
        report(count === 1 ? 'The file could not be tried again' : 'The files could not be tried again', error),
    })
}
