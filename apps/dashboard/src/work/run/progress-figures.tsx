import { hasEnded, type RunDetails, type RunProgress, type RunState } from '@holdfast/protocol/runs'
import { classNames, Moment, ProgressBar, TONE_TEXT } from '@holdfast/ui'
import { doneText, rateText } from '../status.tsx'
import type { LiveRun } from './use-live-run.ts'
import { count, timeLeftText } from './words.ts'

/** Bar, percent, count, rate and time left; and how many steps. */
export function ProgressFigures({ live }: { live: LiveRun }) {
  const { run, state, isOfNow } = live
  const { progress } = run
  return (
    <div className="px-cell-x py-2.5">
      {progress && (
        <div className="flex items-center gap-3">
          <ProgressBar
            key={run.id}
            label="Whole run"
            percent={run.status === 'done' ? 100 : progress.percent}
            tone={toneOf(run)}
            valueText={progress.total === null ? undefined : doneText(progress)}
          />
          <span className="numbers shrink-0 font-mono font-medium" data-testid="percent">
            {Math.floor(run.status === 'done' ? 100 : progress.percent)} %
          </span>
        </div>
      )}
      <ul className={classNames('numbers flex flex-wrap gap-x-5 gap-y-1 text-dense', progress && 'mt-1.5')}>
        {progress && run.status !== 'done' && <Counted progress={progress} />}
        {progress && <Pace run={run} progress={progress} isOfNow={isOfNow} since={live.connection.since} />}
        {state && <Steps state={state} />}
      </ul>
      {progress?.message && !hasEnded(run.status) && (
        <p className="mt-1 truncate font-mono text-small text-ink-2" title={progress.message} data-testid="message">
          {progress.message}
        </p>
      )}
    </div>
  )
}

function toneOf({ status }: RunDetails): 'working' | 'done' | 'failed' | 'quiet' {
  if (status === 'done' || status === 'failed') return status
  return status === 'working' || status === 'quiet' ? 'working' : 'quiet'
}

function Counted({ progress }: { progress: RunProgress }) {
  if (progress.total === null && (progress.unit === null || progress.done === 0)) return null
  return (
    <li data-testid="counted">
      <span className="text-ink-2">{progress.phase && `${progress.phase}: `}</span>
      {doneText(progress)}
    </li>
  )
}

interface PaceProps {
  run: RunDetails
  progress: RunProgress
  isOfNow: boolean
  /** Since when the connection is as it is. */
  since: number
}

/** Rate and time left, while they are of now; what was said before the news stopped is not counted on. */
function Pace({ run, progress, isOfNow, since }: PaceProps) {
  if (hasEnded(run.status)) return null
  if (!isOfNow) {
    return (
      <li className="text-wait" data-testid="as-of">
        as of <Moment at={new Date(since).toISOString()} />
      </li>
    )
  }
  const rate = rateText(progress)
  const isWorking = run.status === 'working'
  return (
    <>
      {isWorking && rate && <li className="text-ink-2">{rate}</li>}
      {isWorking && (
        <li data-testid="time-left">
          {progress.left ? (
            <>
              <span className="text-ink-2">Left: </span>
              {timeLeftText(progress.left)}
            </>
          ) : (
            <span className="text-ink-3">No telling yet how long it takes</span>
          )}
        </li>
      )}
    </>
  )
}

function Steps({ state: { steps, children } }: { state: RunState }) {
  const parts: [string, number, string | undefined][] = [
    ['done', steps.done, undefined],
    ['running', steps.running.length, TONE_TEXT.working],
    ['unknown', steps.unknown, TONE_TEXT.waiting],
  ]
  const told = parts.filter(([, number]) => number > 0)
  return (
    <>
      {told.length > 0 && (
        <li className="text-ink-2" data-testid="step-counts">
          Steps:{' '}
          {told.map(([word, number, tone], index) => (
            <span key={word} className={tone}>
              {index > 0 && ', '}
              {count(number)} {word}
            </span>
          ))}
        </li>
      )}
      {children.total > 0 && (
        <li className="text-ink-2">
          Runs it started: {count(children.done + children.failed + children.cancelled)} of {count(children.total)}{' '}
          ended
          {children.failed > 0 && <span className={TONE_TEXT.failed}>, {count(children.failed)} failed</span>}
        </li>
      )}
    </>
  )
}
