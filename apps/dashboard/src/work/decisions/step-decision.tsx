import type { RunSummary, StepView } from '@holdfast/protocol/runs'
import { Button, Field, Moment } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Check, type LucideIcon, RotateCw, X } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { useOrder, usePendingOrders } from '../orders.ts'
import { useWorkApi, workKeys } from '../queries.ts'
import { Question } from '../run/asks/question.tsx'
import { findSyntaxError } from '../run/commands/json-place.ts'

interface StepDecisionProps {
  run: RunSummary
  step: string
  mayDecide: boolean
}

/** A step that may have had its effect on the world: a person who can find out says what becomes of it. */
export function StepDecision({ run, step, mayDecide }: StepDecisionProps) {
  const { data } = useStep(run.id, step)
  return (
    <Question
      testId="ask-decision"
      title={
        <>
          Was <span className="font-mono text-dense">{step}</span> done?
        </>
      }
      note={<Known run={run} step={data} />}
    >
      {mayDecide && <Choices run={run} step={step} />}
    </Question>
  )
}

/** What is known of it: when it began, with whom, what was heard last. */
function Known({ run, step }: { run: RunSummary; step: StepView | undefined }) {
  return (
    <>
      {step ? (
        <>
          It began <Moment at={step.startedAt} />
          {step.provider && ` at ${step.provider}`}, and{' '}
          {step.error
            ? `how it ended is not known: ${step.error.message}`
            : 'its worker went before it could say how it ended.'}{' '}
        </>
      ) : (
        'Nobody knows whether it had its effect. '
      )}
      It is not repeated by itself.{' '}
      <Link
        to="/work/$runId"
        params={{ runId: run.id }}
        search={{ step: step?.key } as object}
        className="text-accent underline underline-offset-2"
      >
        See the step
      </Link>
    </>
  )
}

/** The step as it is kept; few runs ask, and each is read once. */
function useStep(runId: string, key: string) {
  const api = useWorkApi()
  return useQuery({
    queryKey: [...workKeys.steps(runId), 'unknown', key],
    queryFn: async ({ signal }) => {
      let cursor: string | null = null
      do {
        const page: Awaited<ReturnType<typeof api.steps>> = await api.steps(runId, { limit: 200, cursor }, signal)
        const found = page.items.find((step) => step.key === key && step.status === 'unknown')
        if (found) return found
        cursor = page.nextCursor
      } while (cursor !== null)
      return null
    },
    select: (step) => step ?? undefined,
  })
}

const FOLLOWS = {
  done: 'The run goes on after it.',
  repeat: 'If it was done before, its effect is had twice.',
  fail: 'The run ends as failed; a retry does the step again.',
} as const

function Choices({ run, step }: { run: RunSummary; step: string }) {
  const [isDone, setDone] = useState(false)
  const order = useOrder()
  const isPending = usePendingOrders().has(run.id)
  const decide = (decision: 'done' | 'repeat' | 'fail', output?: unknown) =>
    order(run, { command: 'decide', step, decision, output })
  if (isDone) {
    return <DoneForm isPending={isPending} onBack={() => setDone(false)} onDone={(output) => decide('done', output)} />
  }
  return (
    <fieldset className="grid w-full max-w-240 gap-x-4 gap-y-3 sm:grid-cols-3">
      <legend className="sr-only">What became of {step}</legend>
      <Way
        icon={Check}
        word="It was done"
        follows={FOLLOWS.done}
        disabled={isPending}
        testId="decide-done"
        onChoose={() => setDone(true)}
      />
      <Way
        icon={RotateCw}
        word="Do it again"
        follows={FOLLOWS.repeat}
        disabled={isPending}
        testId="decide-repeat"
        onChoose={() => decide('repeat')}
      />
      <Way
        icon={X}
        word="Fail the run"
        follows={FOLLOWS.fail}
        disabled={isPending}
        testId="decide-fail"
        onChoose={() => decide('fail')}
      />
    </fieldset>
  )
}

interface WayProps {
  icon: LucideIcon
  word: string
  /** What becomes of it. */
  follows: string
  disabled: boolean
  testId: string
  onChoose(): void
}

function Way({ icon, word, follows, disabled, testId, onChoose }: WayProps) {
  const id = useId()
  return (
    <div className="flex flex-col items-start gap-1">
      <Button icon={icon} disabled={disabled} onClick={onChoose} aria-describedby={id} data-testid={testId}>
        {word}
      </Button>
      <span id={id} className="text-dense text-ink-2">
        {follows}
      </span>
    </div>
  )
}

interface DoneFormProps {
  isPending: boolean
  onBack(): void
  onDone(output: unknown): void
}

/** What the step would have given, for steps whose result is needed by what follows. */
function DoneForm({ isPending, onBack, onDone }: DoneFormProps) {
  const [text, setText] = useState('')
  const wrong = text.trim() === '' ? null : findSyntaxError(text)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (wrong === null) onDone(text.trim() === '' ? undefined : JSON.parse(text))
  }
  return (
    <form onSubmit={submit} className="flex w-full flex-wrap items-start gap-2">
      <Field
        label="Its result as JSON, where what follows needs one"
        value={text}
        onChange={(event) => setText(event.target.value)}
        problem={wrong?.message}
        placeholder="empty: none"
        className="min-w-56 flex-1 sm:max-w-96"
        autoFocus
      />
      <span className="flex gap-2 pt-[22px]">
        <Button
          look="primary"
          icon={Check}
          type="submit"
          disabled={isPending || wrong !== null}
          data-testid="confirm-done"
        >
          It was done
        </Button>
        <Button onClick={onBack}>Back</Button>
      </span>
    </form>
  )
}
