import type { RunDetails } from '@holdfast/protocol/runs'
import { Button } from '@holdfast/ui'
import { useRunRoute } from '../run-route.ts'
import { DecisionButtons } from './decision-buttons.tsx'
import { Question } from './question.tsx'

/** Asks what became of a step that may have had its effect on the world. */
export function DecisionAsk({ run, step, mayAnswer }: { run: RunDetails; step: string; mayAnswer: boolean }) {
  const { choose } = useRunRoute()
  return (
    <Question
      testId="ask-decision"
      title={
        <>
          Was <span className="font-mono text-dense">{step}</span> done?
        </>
      }
      note="It may have had its effect before it stopped. Nobody knows, so it is not repeated by itself."
    >
      {mayAnswer && <DecisionButtons run={run} step={step} />}
      <Button look="quiet" small onClick={() => choose({ step })}>
        Show the step
      </Button>
    </Question>
  )
}
