import { RequestError } from '@holdfast/client'
import { hasEnded } from '@holdfast/protocol/runs'
import { buttonClass, Failure, NoPermission, Skeleton, SkeletonRows, usePage } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { useRunDetails } from '../queries.ts'
import { RunActions } from './commands/run-actions.tsx'
import { DataSection } from './data-section.tsx'
import { LogSection } from './log/log-section.tsx'
import { RunAside } from './run-aside.tsx'
import { RunHeader } from './run-header.tsx'
import { RunNotice } from './run-notice.tsx'
import { RunOverview } from './run-overview.tsx'
import { useRunRoute } from './run-route.ts'
import { StepsSection } from './steps/steps-section.tsx'
import { useSteps } from './steps/use-steps.ts'
import { type LiveRun, useLiveRun } from './use-live-run.ts'

/** One run: how it is going, what is wrong, what can be done, its steps, its log, and what it belongs to. */
export function RunPage() {
  const { runId } = useRunRoute()
  // Another run starts anew: nothing of one is shown under the name of the other.
  return <OneRun key={runId} id={runId} />
}

const TRAIL = [{ label: 'Work', to: '/work' }]

function OneRun({ id }: { id: string }) {
  const { error } = useRunDetails(id)
  // Nothing follows what is not there: its stream would be asked for again and again.
  const isGone = error instanceof RequestError && [403, 404].includes(error.status)
  return isGone ? <GoneRun id={id} error={error} /> : <FollowedRun id={id} />
}

function GoneRun({ id, error }: { id: string; error: RequestError }) {
  usePage({ title: 'Run', trail: TRAIL })
  return <UnreadRun id={id} error={error} />
}

function FollowedRun({ id }: { id: string }) {
  const { live, error, retry } = useLiveRun(id)
  usePage({
    title: live?.run.name ?? 'Run',
    trail: TRAIL,
    note: live ? noteOf(live) : undefined,
  })
  if (live) return <ShownRun live={live} />
  return error ? <UnreadRun id={id} error={error} retry={retry} /> : <RunSkeleton />
}

function UnreadRun({ id, error, retry }: { id: string; error: unknown; retry?: () => void }) {
  const status = error instanceof RequestError ? error.status : null
  const toAll = (
    <Link to="/work" className={buttonClass()}>
      Go to all runs
    </Link>
  )
  if (status === 403) {
    return (
      <>
        <h1 className="sr-only">Run</h1>
        <NoPermission what="this run" scope={`read:runs/${id}`} action={toAll} />
      </>
    )
  }
  return (
    <>
      <h1 className="sr-only">Run</h1>
      <Failure
        title={status === 404 ? 'There is no such run' : 'This run could not be read'}
        error={error}
        {...(status !== 404 && retry && { onRetry: retry })}
      >
        {status === 404 && <p className="text-ink-2">It may have been removed, or a letter of the link is missing.</p>}
        <p className="mt-2">{toAll}</p>
      </Failure>
    </>
  )
}

function ShownRun({ live }: { live: LiveRun }) {
  const { run } = live
  const steps = useSteps(live)
  return (
    <>
      <RunHeader live={live} actions={<RunActions run={run} />} />
      <RunNotice live={live} />
      <div className="grid items-start gap-block min-[1100px]:grid-cols-[minmax(0,1fr)_19rem]">
        <div className="flex min-w-0 flex-col gap-3">
          <RunOverview live={live} steps={steps.read} />
          <StepsSection live={live} steps={steps} />
          <LogSection live={live} />
          <DataSection run={run} />
        </div>
        <RunAside live={live} steps={steps.read} />
      </div>
    </>
  )
}

/** Stands in the browser's tab: how far it is, or how it ended. */
function noteOf({ run, isOfNow }: LiveRun): string | undefined {
  if (hasEnded(run.status)) return run.status
  return run.progress && isOfNow ? `${Math.floor(run.progress.percent)} %` : undefined
}

/** Its place while it is read: no bar stands at a guess. */
function RunSkeleton() {
  return (
    <>
      <h1 className="sr-only">Run</h1>
      <Skeleton className="mb-2 h-7 w-56 max-w-full" />
      <Skeleton className="mb-4 h-4 w-96 max-w-full" />
      <div className="mb-3 rounded-md border border-line bg-raised p-3">
        <Skeleton className="h-5 w-64 max-w-full" />
        <Skeleton className="mt-4 h-2 w-full" />
      </div>
      <div className="rounded-md border border-line bg-raised">
        <SkeletonRows label="Reading the run" />
      </div>
    </>
  )
}
