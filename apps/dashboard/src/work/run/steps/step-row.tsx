import type { RunDetails, StepView } from '@holdfast/protocol/runs'
import { classNames, TONE_TEXT, Tooltip, useNow } from '@holdfast/ui'
import { DecisionButtons } from '../asks/decision-buttons.tsx'
import { RunLink } from '../run-link.tsx'
import { took } from '../words.ts'
import { AxisLines, COLUMNS } from './axis-head.tsx'
import { StepBar } from './step-bar.tsx'
import { exactWords, lengthOf, stepLookOf } from './step-looks.ts'
import type { Axis } from './use-axis.ts'

/** What a question below a step takes, px. */
export const ASK_HEIGHT = 40

interface StepRowProps {
  step: StepView
  run: RunDetails
  axis: Axis
  isNarrow: boolean
  mayDecide: boolean
  isOpen: boolean
  place: { top: number; height: number; index: number; count: number }
  onFocus(): void
  onBlur(): void
  onOpen(): void
}

/** One step: its sign and name, its bar, how long it took. The whole row opens its details. */
export function StepRow(props: StepRowProps) {
  const { step, run, axis, isNarrow, mayDecide, isOpen, place, onFocus, onBlur, onOpen } = props
  const { icon: Icon, tone, word } = stepLookOf(step)
  const asks = mayDecide && step.status === 'unknown'
  return (
    <li
      aria-setsize={place.count}
      aria-posinset={place.index + 1}
      data-testid="step"
      data-step={step.key}
      data-status={step.reused ? 'reused' : step.status}
      className={classNames('absolute inset-x-0 border-b border-line', isOpen && 'bg-accent-soft')}
      style={{ top: place.top, height: place.height + (asks ? ASK_HEIGHT : 0) }}
    >
      <Tooltip text={<span className="numbers">{exactWords(step)}</span>}>
        <button
          type="button"
          data-row
          aria-expanded={isOpen}
          aria-label={`${step.key}: ${word}${step.tries > 1 ? `, ${step.tries} tries` : ''}`}
          onClick={onOpen}
          onFocus={onFocus}
          onBlur={onBlur}
          className="absolute inset-x-0 top-0 -outline-offset-2 hover:bg-sunken focus-visible:bg-sunken"
          style={{ height: place.height }}
        />
      </Tooltip>
      <div
        className={classNames(
          'pointer-events-none relative items-center text-dense',
          isNarrow ? 'grid grid-cols-[minmax(0,1fr)_auto] px-cell-x' : COLUMNS,
        )}
        style={{ height: place.height }}
      >
        <span className={classNames('flex min-w-0 items-center gap-1.5', !isNarrow && 'px-cell-x')}>
          <Icon size={14} aria-hidden="true" className={classNames('shrink-0', TONE_TEXT[tone])} />
          <span className={classNames('truncate font-mono text-small', step.reused && 'text-ink-2')}>{step.key}</span>
          {step.tries > 1 && (
            <span className="numbers shrink-0 text-small text-wait" title={`${step.tries} tries`}>
              ×{step.tries}
            </span>
          )}
        </span>
        {isNarrow ? (
          <NarrowEnd step={step} isMoving={axis.isMoving} />
        ) : (
          <>
            <span className="relative h-full">
              <AxisLines axis={axis} />
              {step.reused ? <Reused step={step} /> : <StepBar step={step} axis={axis} isOpen={isOpen} />}
            </span>
            <span className="numbers pr-cell-x text-right text-ink-2">
              <Length step={step} isMoving={axis.isMoving} />
            </span>
          </>
        )}
      </div>
      {asks && (
        <div className="relative flex h-10 items-center gap-2 px-cell-x text-dense ">
          <span className="text-wait">Was it done?</span>
          <DecisionButtons run={run} step={step.key} />
        </div>
      )}
    </li>
  )
}

function NarrowEnd({ step, isMoving }: { step: StepView; isMoving: boolean }) {
  const { word, tone } = stepLookOf(step)
  return (
    <span className="numbers inline-flex items-center gap-2 pl-2 text-ink-2">
      {step.reused ? (
        <Reused step={step} />
      ) : (
        <>
          {step.status !== 'done' && <span className={classNames('text-small', TONE_TEXT[tone])}>{word}</span>}
          <Length step={step} isMoving={isMoving} />
        </>
      )}
    </span>
  )
}

function Reused({ step }: { step: StepView }) {
  return (
    <span className="relative inline-flex h-full items-center text-small text-ink-3">
      <span className="pointer-events-auto bg-raised px-1 max-md:inline-flex max-md:min-h-10 max-md:items-center max-md:gap-1">
        done by <RunLink id={step.runId} />
      </span>
    </span>
  )
}

/** How long; of what runs it counts on. */
function Length({ step, isMoving }: { step: StepView; isMoving: boolean }) {
  const now = useNow(step.status === 'working' && isMoving ? 1000 : null)
  const length = lengthOf(step, now)
  if (length === null) return '–'
  // What runs is told in whole seconds: parts of them would only flicker.
  return took(step.endedAt === null && length >= 1000 ? Math.floor(length / 1000) * 1000 : length)
}
