import type { RunDetails, RunWait } from '@holdfast/protocol/runs'
import { AnswerAsk } from './answer-ask.tsx'
import { ApprovalAsk } from './approval-ask.tsx'
import { DecisionAsk } from './decision-ask.tsx'

interface AsksProps {
  run: RunDetails
  /** Whoever looks may answer; otherwise only the question is shown. */
  mayAnswer: boolean
}

/** What the run wants to know from a person, each with the ways to answer. */
export function Asks({ run, mayAnswer }: AsksProps) {
  return run.waits.map((wait) => <Ask key={keyOf(wait)} {...{ run, wait, mayAnswer }} />)
}

function Ask({ run, wait, mayAnswer }: AsksProps & { wait: RunWait }) {
  if (wait.kind === 'decision') return <DecisionAsk run={run} step={wait.name} mayAnswer={mayAnswer} />
  if (wait.kind !== 'event') return null
  const Kind = wait.name === 'approval' ? ApprovalAsk : AnswerAsk
  return <Kind run={run} wait={wait} mayAnswer={mayAnswer} />
}

function keyOf(wait: RunWait): string {
  return `${wait.kind} ${'name' in wait ? wait.name : ''}`
}
