import { duration } from '@holdfast/ui'
import { took } from '../words.ts'
import type { Axis } from './use-axis.ts'

/** Columns of the waterfall: name, time, length. */
export const COLUMNS = 'grid grid-cols-[minmax(9rem,30%)_minmax(0,1fr)_5rem]'

/** Times since the start, where later attempts began, and what was drawn short. */
export function AxisHead({ axis: { scale, attempts } }: { axis: Axis }) {
  return (
    <div className={`${COLUMNS} h-6 border-b border-line text-small text-ink-3`} aria-hidden="true">
      <span className="px-cell-x leading-6">Step</span>
      <span className="numbers relative overflow-hidden">
        {scale.ticks.map(({ at, elapsed }) => (
          <span
            key={elapsed}
            className="absolute top-0 h-full border-l border-line pl-1 leading-6 whitespace-nowrap"
            style={{ left: `${at * 100}%` }}
          >
            {elapsed === 0 ? '0 s' : took(elapsed)}
          </span>
        ))}
        {attempts.map(({ attempt, at }) => (
          <span
            key={attempt}
            title={`Attempt ${attempt} began here`}
            className="absolute top-0 h-full border-l border-control bg-raised pr-1 pl-1 font-medium leading-6 whitespace-nowrap text-ink-2"
            style={{ left: `${at * 100}%` }}
          >
            #{attempt}
          </span>
        ))}
        {scale.breaks.map(({ from, to, at, width }) => (
          <span
            key={from}
            title={`${duration(to - from)} without work, drawn short`}
            className="absolute top-0 h-full overflow-hidden bg-raised text-center leading-6 whitespace-nowrap text-ink-3"
            style={{ left: `${at * 100}%`, width: `${width * 100}%` }}
          >
            {brief(to - from)}
          </span>
        ))}
      </span>
      <span className="pr-cell-x text-right leading-6">Took</span>
    </div>
  )
}

/** The lines of the axis behind the bars. */
export function AxisLines({ axis: { scale, attempts } }: { axis: Axis }) {
  return (
    <>
      {scale.ticks.map(({ at, elapsed }) => (
        <span key={elapsed} className="absolute inset-y-0 border-l border-line" style={{ left: `${at * 100}%` }} />
      ))}
      {scale.breaks.map(({ from, at, width }) => (
        <span
          key={from}
          className="absolute inset-y-0 bg-[repeating-linear-gradient(135deg,var(--line)_0_2px,transparent_2px_6px)]"
          style={{ left: `${at * 100}%`, width: `${width * 100}%` }}
        />
      ))}
      {attempts.map(({ attempt, at }) => (
        <span
          key={attempt}
          className="absolute inset-y-0 border-l border-dashed border-control"
          style={{ left: `${at * 100}%` }}
        />
      ))}
    </>
  )
}

/** A length of time in the room of a few letters. */
function brief(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.round(seconds / 60)} m`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
