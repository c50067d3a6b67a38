import type { RunDetails, RunFault, StepView } from '@holdfast/protocol/runs'
import { Button, CopyButton } from '@holdfast/ui'
import { CircleSlash } from 'lucide-react'
import { useRunRoute } from './run-route.ts'

interface FaultProps {
  run: RunDetails
  fault: RunFault
  /** It is not tried any more by itself, and has not ended. */
  isParked: boolean
  steps: readonly StepView[]
}

/** Why it failed, in plain words, with the step that did and the code. */
export function Fault({ run, fault, isParked, steps }: FaultProps) {
  const { choose } = useRunRoute()
  const step = steps.findLast(({ status, reused }) => status === 'failed' && !reused)
  return (
    <div role="status" data-testid="fault" className="flex items-start gap-2 bg-fail-soft px-cell-x py-2.5">
      <CircleSlash size={16} aria-hidden="true" className="mt-0.5 shrink-0 text-fail" />
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{fault.message}</p>
        {isParked && (
          <p className="text-ink-2">
            It took its server down again and again, so it is not tried any more by itself. A person decides.
          </p>
        )}
        <p className="mt-0.5 flex flex-wrap items-center gap-x-3 text-dense text-ink-2">
          <span className="inline-flex items-center gap-1 font-mono text-small">
            {fault.code}
            <CopyButton text={`${fault.code}: ${fault.message} (run ${run.id})`} label="Copy the error" />
          </span>
          {run.attempt > 1 && <span className="numbers">after {run.attempt} attempts</span>}
          {step && (
            <Button look="quiet" small onClick={() => choose({ step: step.key })} data-testid="failed-step">
              Failed in{' '}
              <span className="max-w-56 truncate font-mono text-small underline decoration-line-strong underline-offset-2">
                {step.key}
              </span>
            </Button>
          )}
        </p>
      </div>
    </div>
  )
}
