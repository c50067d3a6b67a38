import type { RunSummary, RunWait } from '@holdfast/protocol/runs'
import { Button, Moment } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Ban, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { CancelRunDialog } from '../cancel-run-dialog.tsx'
import { shortId } from '../list/run-row.tsx'
import { useOrder, usePendingOrders } from '../orders.ts'
import { AnswerAsk } from '../run/asks/answer-ask.tsx'
import { ApprovalAsk } from '../run/asks/approval-ask.tsx'
import { Question } from '../run/asks/question.tsx'
import { RunChip } from '../status.tsx'
import { isForPeople } from './for-people.ts'
import { StepDecision } from './step-decision.tsx'

interface CardProps {
  run: RunSummary
  /** Otherwise only what is asked is shown. */
  mayDecide: boolean
}

/** One run that waits for a person, with what it asks. */
export function DecisionCard({ run, mayDecide }: CardProps) {
  return (
    <article
      data-row
      data-testid="decision"
      data-run={run.id}
      tabIndex={-1}
      aria-label={`${run.name} ${shortId(run.id)}`}
      className="overflow-clip rounded-md border border-line bg-raised -outline-offset-2"
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 px-cell-x py-2">
        <RunChip run={run} />
        <Link
          to="/work/$runId"
          params={{ runId: run.id }}
          data-open
          className="min-w-0 truncate font-medium hover:underline max-md:-my-2.5 max-md:py-2.5"
        >
          {run.name} <span className="font-mono text-small font-normal text-ink-3">{shortId(run.id)}</span>
        </Link>
        <span className="ml-auto text-dense text-ink-3">
          waits since <Moment at={run.since} />
        </span>
      </header>
      <div className="flex flex-col divide-y divide-line border-t border-line *:bg-transparent!">
        {run.waits.filter(isForPeople).map((wait) => (
          <Ask key={keyOf(wait)} run={run} wait={wait} mayDecide={mayDecide} />
        ))}
      </div>
    </article>
  )
}

function keyOf(wait: RunWait): string {
  return `${wait.kind} ${'name' in wait ? wait.name : ''}`
}

function Ask({ run, wait, mayDecide }: CardProps & { wait: RunWait }) {
  switch (wait.kind) {
    case 'decision':
      return <StepDecision run={run} step={wait.name} mayDecide={mayDecide} />
    case 'event':
      return wait.name === 'approval' ? (
        <ApprovalAsk run={run} wait={wait} mayAnswer={mayDecide} />
      ) : (
        <AnswerAsk run={run} wait={wait} mayAnswer={mayDecide} />
      )
    case 'parked':
      return (
        <Question
          testId="ask-parked"
          title="It took its server down again and again, and is not tried any more by itself."
          note={`${wait.error.message} (${wait.error.code})`}
        >
          {mayDecide && (
            <TryAgain run={run} hint="It goes on after its last finished step, and may take the server down again." />
          )}
        </Question>
      )
    case 'version':
      return (
        <Question
          testId="ask-version"
          title={`No worker knows version ${run.version} of ${run.name}.`}
          note="It goes on by itself when one comes that does: an older server, or a worker of that version."
        >
          {mayDecide && <TryAgain run={run} hint="It is queued again, and comes back here if nobody knows it." />}
        </Question>
      )
    default:
      return null
  }
}

function TryAgain({ run, hint }: { run: RunSummary; hint: string }) {
  const [isAsking, setAsking] = useState(false)
  const order = useOrder()
  const isPending = usePendingOrders().has(run.id)
  return (
    <>
      <Button
        look="primary"
        icon={RotateCw}
        disabled={isPending}
        onClick={() => order(run, { command: 'resume' })}
        data-testid="try-again"
      >
        Try again
      </Button>
      <Button icon={Ban} disabled={isPending} onClick={() => setAsking(true)}>
        Cancel it
      </Button>
      <span className="basis-full text-dense text-ink-2">{hint}</span>
      {isAsking && (
        <CancelRunDialog
          run={run}
          onClose={() => setAsking(false)}
          onConfirm={() => {
            setAsking(false)
            order(run, { command: 'cancel' })
          }}
        />
      )}
    </>
  )
}
