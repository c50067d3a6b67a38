import type { RunSummary } from '@holdfast/protocol/runs'
import { Button, Choice, Field } from '@holdfast/ui'
import { Send } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useOrder, usePendingOrders } from '../../orders.ts'
import { findSyntaxError } from '../commands/json-place.ts'
import { type EventWait, Question } from './question.tsx'

interface AskProps {
  run: RunSummary
  wait: EventWait
  mayAnswer: boolean
}

type Kind = 'text' | 'json'
const KINDS: { name: Kind; title: string }[] = [
  { name: 'text', title: 'Text' },
  { name: 'json', title: 'JSON' },
]

/** Asks for a word of the name it waits for: a text, or JSON for what programs send. */
export function AnswerAsk({ run, wait, mayAnswer }: AskProps) {
  const [text, setText] = useState('')
  const [kind, setKind] = useState<Kind>('text')
  const order = useOrder()
  const isPending = usePendingOrders().has(run.id)
  const wrong = kind === 'json' && text.trim() !== '' ? findSyntaxError(text) : null
  const send = (event: FormEvent) => {
    event.preventDefault()
    const payload: unknown = kind === 'json' ? JSON.parse(text) : text
    order(run, { command: 'signal', name: wait.name, payload }, { onDone: () => setText('') })
  }
  return (
    <Question
      testId="ask-answer"
      title={wait.question ?? `It waits for “${wait.name}”`}
      note={wait.question && `It waits for “${wait.name}”.`}
      until={wait.until}
    >
      {mayAnswer && (
        <form onSubmit={send} className="flex w-full max-w-160 flex-wrap items-start gap-2">
          <Field
            label="Answer"
            hideLabel
            placeholder={kind === 'json' ? '{ "size": 3 }' : 'Answer'}
            value={text}
            onChange={(event) => setText(event.target.value)}
            problem={wrong?.message}
            className="min-w-48 flex-1"
          />
          <Choice<Kind> label="Kind of answer" value={kind} onChange={setKind} options={KINDS} />
          <Button
            type="submit"
            look="primary"
            icon={Send}
            disabled={isPending || text.trim() === '' || wrong !== null}
            data-testid="answer"
          >
            {isPending ? 'Sending' : 'Answer'}
          </Button>
        </form>
      )}
    </Question>
  )
}
