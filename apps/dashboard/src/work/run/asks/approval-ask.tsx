import type { RunSummary } from '@holdfast/protocol/runs'
import { Button, Field } from '@holdfast/ui'
import { Check, X } from 'lucide-react'
import { useState } from 'react'
import { useOrder, usePendingOrders } from '../../orders.ts'
import { type EventWait, Question } from './question.tsx'

interface AskProps {
  run: RunSummary
  wait: EventWait
  mayAnswer: boolean
}

/** Asks whether it may go on, with room for a word about it. */
export function ApprovalAsk({ run, wait, mayAnswer }: AskProps) {
  const [comment, setComment] = useState('')
  const order = useOrder()
  const pending = usePendingOrders().get(run.id)
  const isPending = pending !== undefined
  const say = (command: 'approve' | 'reject') => order(run, { command, comment: comment.trim() || undefined })
  return (
    <Question testId="ask-approval" title={wait.question ?? 'May it go on?'} until={wait.until}>
      {mayAnswer && (
        <>
          <Field
            label="Comment"
            hideLabel
            placeholder="Comment, if there is one"
            value={comment}
            onChange={(event) => setComment(event.target.value)}
            className="w-full max-w-96"
          />
          <span className="flex gap-2">
            <Button
              look="primary"
              icon={Check}
              disabled={isPending}
              onClick={() => say('approve')}
              data-testid="approve"
            >
              {pending?.command === 'approve' ? 'Approving' : 'Approve'}
            </Button>
            <Button icon={X} disabled={isPending} onClick={() => say('reject')} data-testid="reject">
              {pending?.command === 'reject' ? 'Rejecting' : 'Reject'}
            </Button>
          </span>
        </>
      )}
    </Question>
  )
}
