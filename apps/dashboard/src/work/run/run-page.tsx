import { Failure, SkeletonRows, usePage } from '@holdfast/ui'
import { useParams } from '@tanstack/react-router'
import { useRunDetails } from '../queries.ts'
import { RunChip } from '../status.tsx'

/** One run: how it stands, and what it was given. */
export function RunPage() {
  const { runId = '' } = useParams({ strict: false }) as { runId?: string }
  const { data: run, error, isPending, refetch } = useRunDetails(runId)
  usePage({ title: run?.name ?? 'Run', trail: [{ label: 'Work', to: '/work' }] })
  if (isPending) return <SkeletonRows label="Reading the run" />
  if (!run) return <Failure title="The run could not be read" error={error} onRetry={() => refetch()} />
  return (
    <>
      <h1 className="mb-3 flex items-center gap-3 text-title font-bold">
        {run.name} <RunChip run={run} />
      </h1>
      {run.why && <p className="text-ink-2">{run.why}</p>}
      <pre className="overflow-x-auto rounded-md border border-line bg-raised p-3 font-mono text-dense">
        {JSON.stringify(run.input, null, 2)}
      </pre>
    </>
  )
}
