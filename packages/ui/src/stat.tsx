import type { ReactNode } from 'react'
import { TONE_TEXT, type Tone } from './chip.tsx'
import { classNames } from './class-names.ts'

interface StatProps {
  label: ReactNode
  value: ReactNode
  /** `files/s`, `MB`. */
  unit?: string
  /** A line below: since when, of how many. */
  hint?: ReactNode
  tone?: Tone
}

/** One figure with its name; stands in a row of others. To make it lead somewhere, put it into a link. */
export function Stat({ label, value, unit, hint, tone }: StatProps) {
  return (
    <span className="flex min-w-0 flex-col">
      <span className="truncate text-small text-ink-3">{label}</span>
      <span className={classNames('numbers truncate font-mono font-medium', tone && TONE_TEXT[tone])}>
        {value}
        {unit && <span className="text-dense text-ink-2"> {unit}</span>}
      </span>
      {hint && <span className="numbers truncate text-small text-ink-3">{hint}</span>}
    </span>
  )
}
