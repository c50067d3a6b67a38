import type { RunDetails } from '@holdfast/protocol/runs'
import { Button } from '@holdfast/ui'
import { Check, RotateCw, X } from 'lucide-react'
import { useOrder, usePendingOrders } from '../../orders.ts'

const CHOICES = [
  { decision: 'done', word: 'It was done', icon: Check, what: 'Goes on with what follows; the step has no result.' },
  { decision: 'repeat', word: 'Do it again', icon: RotateCw, what: 'The effect is had twice if it was had before.' },
  { decision: 'fail', word: 'Fail the run', icon: X, what: 'The run ends as failed.' },
] as const

/** The three ways to decide on a step whose effect nobody knows. */
export function DecisionButtons({ run, step }: { run: RunDetails; step: string }) {
  const order = useOrder()
  const pending = usePendingOrders().get(run.id)
  const decided = pending?.command === 'decide' && pending.step === step ? pending.decision : null
  return (
    <fieldset className="flex flex-wrap gap-2">
      <legend className="sr-only">What became of {step}</legend>
      {CHOICES.map(({ decision, word, icon, what }) => (
        <Button
          key={decision}
          small
          icon={icon}
          title={what}
          disabled={pending !== undefined}
          aria-pressed={decided === decision}
          onClick={() => order(run, { command: 'decide', step, decision })}
          data-testid={`decide-${decision}`}
        >
          {word}
        </Button>
      ))}
    </fieldset>
  )
}
