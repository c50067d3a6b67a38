import { hasEnded, type RunDetails } from '@holdfast/protocol/runs'
import { useWorkRights } from '../rights.ts'
import { Asks } from './asks/asks.tsx'
import { Fault } from './fault.tsx'
import { Phases } from './phases.tsx'
import { ProgressFigures } from './progress-figures.tsx'
import type { StepsRead } from './steps/step-pages.ts'
import type { LiveRun } from './use-live-run.ts'
import { WhyLine } from './why-line.tsx'

/** What is wrong or asked for first, then how far it is. */
export function RunOverview({ live, steps }: { live: LiveRun; steps: StepsRead }) {
  const { run } = live
  const rights = useWorkRights()
  const parked = run.waits.find(({ kind }) => kind === 'parked')
  const fault = run.status === 'failed' ? run.error : parked?.kind === 'parked' ? parked.error : null
  return (
    <section
      aria-label="Overview"
      data-testid="overview"
      className="overflow-hidden rounded-md border border-line bg-raised *:border-t *:border-line *:first:border-t-0"
    >
      {fault && <Fault run={run} fault={fault} isParked={parked !== undefined} steps={steps.steps} />}
      {!hasEnded(run.status) && <Asks run={run} mayAnswer={rights.command(run)} />}
      <WhyLine run={run} />
      <Progress live={live} />
    </section>
  )
}

function Progress({ live }: { live: LiveRun }) {
  const { run } = live
  if (run.progress === null && !isMoving(run)) return null
  return (
    <div>
      <Phases run={run} />
      <ProgressFigures live={live} />
    </div>
  )
}

function isMoving({ status }: RunDetails): boolean {
  return status === 'working' || status === 'quiet' || status === 'stalled'
}
