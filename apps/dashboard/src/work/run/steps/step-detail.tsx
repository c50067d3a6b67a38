import type { RunDetails, StepView } from '@holdfast/protocol/runs'
import { Button, Chip, CopyButton } from '@holdfast/ui'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { useWorkRights } from '../../rights.ts'
import { DecisionButtons } from '../asks/decision-buttons.tsx'
import { JsonView } from '../json-view.tsx'
import { RunLink } from '../run-link.tsx'
import { exactTime, took } from '../words.ts'
import { lengthOf, stepLookOf } from './step-looks.ts'

interface StepDetailProps {
  step: StepView
  run: RunDetails
  onClose(): void
  /** Has a heading of its own; on a phone the sheet has it. */
  isHeaded: boolean
}

/** All of one step: how it stands, when, its error, its result. */
export function StepDetail({ step, run, onClose, isHeaded }: StepDetailProps) {
  const rights = useWorkRights()
  const { tone, icon, word } = stepLookOf(step)
  const mayDecide = rights.command(run) && run.commands.includes('decide')
  return (
    <div data-testid="step-detail">
      {isHeaded && (
        <div className="flex items-start gap-2 border-b border-line py-1.5 pr-1.5 pl-cell-x">
          <h2 className="min-w-0 flex-1 py-1 font-mono text-small font-medium break-words">{step.key}</h2>
          <Button look="quiet" small icon={X} aria-label="Close the step" onClick={onClose} />
        </div>
      )}
      <div className={isHeaded ? 'px-cell-x py-2.5' : undefined}>
        <p className="flex flex-wrap items-center gap-2">
          <Chip tone={tone} icon={icon}>
            {word}
          </Chip>
          {step.reused && (
            <span className="text-dense text-ink-2">
              done by the run <RunLink id={step.runId} />
            </span>
          )}
        </p>
        {step.status === 'unknown' && (
          <div className="mt-2 flex flex-col gap-2 text-dense">
            <p>Nobody knows whether it had its effect. A person decides:</p>
            {mayDecide && <DecisionButtons run={run} step={step.key} />}
          </div>
        )}
        {step.error && (
          <div className="mt-2 rounded-sm bg-fail-soft px-2 py-1.5 text-dense">
            <p className="break-words">{step.error.message}</p>
            <p className="flex items-center gap-1 font-mono text-small text-ink-2">
              {step.error.code}
              <CopyButton text={`${step.error.code}: ${step.error.message}`} label="Copy the error" />
            </p>
          </div>
        )}
        <Facts step={step} />
        <Output output={step.output} />
      </div>
    </div>
  )
}

function Facts({ step }: { step: StepView }) {
  const { startedAt, endedAt, attempt, tries, effect, provider, retryAt } = step
  const length = endedAt === null ? null : lengthOf(step, 0)
  const facts: [string, ReactNode][] = [
    ['Started', exactTime(startedAt)],
    ...(endedAt ? ([['Ended', exactTime(endedAt)]] as [string, ReactNode][]) : []),
    ...(length === null ? [] : ([['Took', took(length)]] as [string, ReactNode][])),
    ['Attempt', attempt],
    ['Tries', tries],
    ...(retryAt ? ([['Next try', exactTime(retryAt)]] as [string, ReactNode][]) : []),
    ['Effect', effect === 'unsafe' ? 'unsafe: never repeated by itself' : 'idempotent: may be repeated'],
    ...(provider ? ([['Provider', provider]] as [string, ReactNode][]) : []),
  ]
  return (
    <dl className="numbers mt-2 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5 text-dense">
      {facts.map(([name, fact]) => (
        <div key={name} className="contents">
          <dt className="text-ink-3">{name}</dt>
          <dd className="break-words">{fact}</dd>
        </div>
      ))}
    </dl>
  )
}

/** What it gave, as a tree where it is whole; its beginning where it was cut. */
function Output({ output }: { output: string | null }) {
  if (output === null) return null
  const value = parsed(output)
  return (
    <div className="mt-2">
      <h3 className="flex items-center gap-1 text-dense font-medium">
        Result
        <CopyButton text={output} label="Copy the result" />
      </h3>
      <div className="max-h-72 overflow-auto">
        {value === undefined ? (
          <pre className="font-mono text-small break-all whitespace-pre-wrap">{output}…</pre>
        ) : (
          <JsonView value={value} />
        )}
      </div>
    </div>
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
