import { Dialog } from '@holdfast/ui'
import { Attempts } from './aside/attempts.tsx'
import { Children } from './aside/children.tsx'
import { Line } from './aside/line.tsx'
import { Orders } from './aside/orders.tsx'
import { useRunRoute } from './run-route.ts'
import { StepDetail } from './steps/step-detail.tsx'
import type { StepsRead } from './steps/step-pages.ts'
import type { LiveRun } from './use-live-run.ts'
import { NO_ASIDE, useMedia } from './use-media.ts'

/** Beside the steps: the one that is chosen, or what the run belongs to. */
export function RunAside({ live, steps }: { live: LiveRun; steps: StepsRead }) {
  const { search, choose } = useRunRoute()
  const isBelow = useMedia(NO_ASIDE)
  const { run } = live
  const step = search.step === undefined ? undefined : steps.steps.find(({ key }) => key === search.step)
  const close = () => choose({ step: undefined })
  const detail = step && <StepDetail step={step} run={run} onClose={close} isHeaded={!isBelow} />
  return (
    <aside aria-label="About the run" className="flex min-w-0 flex-col gap-3">
      {detail && !isBelow && (
        <div className="sticky top-[calc(var(--bar)+0.75rem)] z-5 max-h-[calc(100dvh-var(--bar)-5rem)] overflow-y-auto rounded-md border border-line-strong bg-raised">
          {detail}
        </div>
      )}
      {detail && isBelow && (
        <Dialog open onOpenChange={(isOpen) => !isOpen && close()} title={step.key}>
          {detail}
        </Dialog>
      )}
      <div className="rounded-md border border-line bg-raised *:border-t *:border-line *:first:border-t-0">
        <Attempts run={run} />
        <Line run={run} />
        <Children run={run} />
        <Orders state={live.state} />
      </div>
    </aside>
  )
}
