import { classNames } from '@holdfast/ui'
import { CircleAlert, TriangleAlert } from 'lucide-react'
import { type MouseEvent, memo } from 'react'
import type { LogLine } from '../../api.ts'
import { exactTime, took } from '../words.ts'

interface LogRowProps {
  line: LogLine
  /** When the run began, Unix ms. */
  start: number
  isChosen: boolean
  isFailure: boolean
  onChoose(offset: string): void
}

const TONES = { debug: 'text-ink-3', info: 'text-ink', warn: 'text-wait', error: 'text-fail' } as const
const SIGNS = { debug: null, info: null, warn: TriangleAlert, error: CircleAlert } as const

/** One line: how long after the start, and what. Its time is the link to it. */
export const LogRow = memo(function LogRow({ line, start, isChosen, isFailure, onChoose }: LogRowProps) {
  const { offset, timestamp, level, message, attempt } = line
  const Sign = SIGNS[level]
  const elapsed = Date.parse(timestamp) - start
  const choose = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    onChoose(offset)
  }
  return (
    <div
      data-line={offset}
      data-level={level}
      data-testid={isFailure ? 'failure-line' : 'line'}
      aria-current={isChosen ? 'true' : undefined}
      className={classNames(
        'flex items-baseline gap-2 px-cell-x py-0.5 font-mono text-small hover:bg-sunken',
        isFailure && 'bg-fail-soft',
        isChosen && 'bg-mark!',
      )}
    >
      <a
        href={`?line=${offset}`}
        onClick={choose}
        title={`${exactTime(timestamp)}: link to this line`}
        className="numbers w-16 shrink-0 text-right text-ink-3 hover:text-ink hover:underline pointer-coarse:py-2.5"
      >
        {elapsed < 0 ? `−${took(-elapsed)}` : `+${took(elapsed)}`}
      </a>
      {attempt !== undefined && attempt > 1 && (
        <span className="numbers shrink-0 text-ink-3" title={`Attempt ${attempt}`}>
          #{attempt}
        </span>
      )}
      <span className={classNames('min-w-0 flex-1 break-words whitespace-pre-wrap', TONES[level])}>
        {Sign && (
          <>
            <Sign size={12} aria-hidden="true" className="mr-1 inline align-[-1px]" />
            <span className="sr-only">{level === 'warn' ? 'Warning: ' : 'Error: '}</span>
          </>
        )}
        {message}
      </span>
    </div>
  )
})
