import { TONE_TEXT, type Tone } from './chip.tsx'
import { classNames } from './class-names.ts'

interface ProgressRingProps {
  label: string
  /** 0 to 100. */
  percent: number
  /** Default `working`. */
  tone?: Tone
  /** px. Default 16. */
  size?: number
}

const RADIUS = 7
const LENGTH = 2 * Math.PI * RADIUS

/** A known share of a known whole where there is no room for a bar. */
export function ProgressRing({ label, percent, tone = 'working', size = 16 }: ProgressRingProps) {
  const value = Math.min(100, Math.max(0, percent))
  return (
    <svg
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(value)}
      width={size}
      height={size}
      viewBox="0 0 18 18"
      fill="none"
      strokeWidth="2.5"
      className={classNames('shrink-0 -rotate-90', TONE_TEXT[tone])}
    >
      <circle cx="9" cy="9" r={RADIUS} className="stroke-quiet-soft" />
      <circle
        cx="9"
        cy="9"
        r={RADIUS}
        stroke="currentColor"
        strokeLinecap={value > 0 ? 'round' : 'butt'}
        strokeDasharray={LENGTH}
        strokeDashoffset={LENGTH * (1 - value / 100)}
        className="ring-fill"
      />
    </svg>
  )
}
