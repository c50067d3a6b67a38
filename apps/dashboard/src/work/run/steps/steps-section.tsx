import { hasEnded } from '@holdfast/protocol/runs'
import { Button, Empty, Failure, Section, SkeletonRows } from '@holdfast/ui'
import { ListTree } from 'lucide-react'
import { useRunRoute } from '../run-route.ts'
import type { LiveRun } from '../use-live-run.ts'
import { count, counted } from '../words.ts'
import { isCutOff } from './step-looks.ts'
import type { Steps } from './use-steps.ts'
import { Waterfall } from './waterfall.tsx'

/** What it did, step by step, over time. */
export function StepsSection({ live, steps }: { live: LiveRun; steps: Steps }) {
  const { search, choose } = useRunRoute()
  return (
    <div data-testid="steps">
      <Section
        title="Steps"
        summary={summaryOf(steps)}
        open={search.steps !== 'closed'}
        onOpenChange={(isOpen) => choose({ steps: isOpen ? undefined : 'closed' })}
      >
        <StepsBody live={live} steps={steps} />
      </Section>
    </div>
  )
}

function StepsBody({ live, steps }: { live: LiveRun; steps: Steps }) {
  const { isRead, error, hasMore, isReading } = steps.read
  if (!isRead && error) {
    return (
      <div className="p-3">
        <Failure title="The steps could not be read" error={error} onRetry={steps.refresh} />
      </div>
    )
  }
  if (!isRead) return <SkeletonRows label="Reading the steps" rows={4} />
  if (steps.steps.length === 0) {
    return (
      <Empty icon={ListTree} title={hasEnded(live.run.status) ? 'It ended without a step' : 'No step yet'}>
        {hasEnded(live.run.status)
          ? 'Nothing of it was remembered, so a retry begins from the start.'
          : 'What the run does stands here as it is done, with its times.'}
      </Empty>
    )
  }
  return (
    <>
      <Waterfall live={live} steps={steps.steps} onEnd={steps.more} />
      {hasMore && (
        <div className="flex items-center gap-3 border-t border-line px-cell-x py-2">
          <Button small onClick={steps.more} disabled={isReading}>
            Show more steps
          </Button>
          <span className="numbers text-dense text-ink-3">{count(steps.steps.length)} shown, oldest first</span>
        </div>
      )}
    </>
  )
}

function summaryOf({ read, steps }: Steps): string | undefined {
  if (!read.isRead) return undefined
  const of = (status: string) => steps.filter((s) => s.status === status && !s.reused && !isCutOff(s)).length
  const cutOff = steps.filter(isCutOff).length
  const reused = steps.filter((step) => step.reused).length
  const parts = [
    `${counted(steps.length, 'step')}${read.hasMore ? ' and more' : ''}`,
    of('failed') > 0 && `${count(of('failed'))} failed`,
    cutOff > 0 && `${count(cutOff)} cut off`,
    of('unknown') > 0 && `${count(of('unknown'))} to decide`,
    reused > 0 && `${count(reused)} reused`,
  ]
  return parts.filter(Boolean).join(', ')
}
