import { classNames } from './class-names.ts'

interface ProgressBarProps {
  label: string
  /** 0 to 100. */
  percent: number
  tone?: 'working' | 'done' | 'failed' | 'quiet'
  /** Says more than the percent to a screen reader: `34 of 120 files`. */
  valueText?: string
}

const FILL = { working: 'bg-accent', done: 'bg-done', failed: 'bg-fail', quiet: 'bg-line-strong' } as const

/** A known share of a known whole; eases from value to value. Give it a `key` per task, so that it never runs back. */
export function ProgressBar({ label, percent, tone = 'working', valueText }: ProgressBarProps) {
  const value = Math.min(100, Math.max(0, percent))
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(value)}
      aria-valuetext={valueText}
      className="h-1.5 w-full overflow-hidden rounded-full bg-quiet-soft"
    >
      <div
        className={classNames('bar-fill h-full rounded-full', FILL[tone])}
        style={{ transform: `translateX(${value - 100}%)` }}
      />
    </div>
  )
}
