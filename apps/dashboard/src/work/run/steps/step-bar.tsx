import type { StepView } from '@holdfast/protocol/runs'
import { classNames, useNow } from '@holdfast/ui'
import { STILL, useMedia } from '../use-media.ts'
import { isCutOff, stepLookOf } from './step-looks.ts'
import type { Axis } from './use-axis.ts'

/** Bars that grow do so ten times a second at most, and not oftener than a pixel. */
const GROW_EVERY_MS = 100
const PIXELS = 600

/** A step over time. One that runs grows; with reduced motion once a second. */
export function StepBar({ step, axis, isOpen }: { step: StepView; axis: Axis; isOpen: boolean }) {
  const isStill = useMedia(STILL)
  const runs = step.status === 'working' && step.endedAt === null && axis.isMoving
  const { from, to } = axis.scale
  const every = isStill ? 1000 : Math.max(GROW_EVERY_MS, Math.min(5000, (to - from) / PIXELS))
  const now = useNow(runs ? every : step.retryAt === null ? null : 1000)
  const start = Date.parse(step.startedAt)
  const end = step.endedAt === null ? (runs ? now : start) : Date.parse(step.endedAt)
  const left = axis.scale.at(start)
  const right = axis.scale.at(Math.max(start, end))
  const { bar } = stepLookOf(step)
  const note = noteOf(step, now)
  const isLeft = right > 0.62
  return (
    <>
      <span
        data-testid="bar"
        className={classNames('absolute top-1/2 h-2.5 min-w-[3px] -translate-y-1/2 rounded-[2px]', bar)}
        style={{ left: `${Math.min(left, 0.995) * 100}%`, width: `${(right - left) * 100}%` }}
      />
      {note && (
        <span
          className={classNames(
            'absolute top-1/2 -translate-y-1/2 truncate px-1 text-small text-ink-2',
            // Over the lines of the axis.
            isOpen ? 'bg-accent-soft' : 'bg-raised',
          )}
          style={
            isLeft
              ? { right: `calc(${(1 - left) * 100}% + 4px)`, maxWidth: `calc(${left * 100}% - 8px)` }
              : { left: `calc(${right * 100}% + 6px)`, maxWidth: `calc(${(1 - right) * 100}% - 12px)` }
          }
        >
          {note}
        </span>
      )}
    </>
  )
}

/** What a bar says in words beside it: why it failed, when it is tried again. */
function noteOf(step: StepView, now: number): string | null {
  const { status, error, retryAt, provider } = step
  if (isCutOff(step)) return 'cut off'
  if (status === 'failed') {
    const wait = retryAt === null ? null : Math.max(0, Math.ceil((Date.parse(retryAt) - now) / 1000))
    const again = wait === null ? '' : wait > 0 ? `, again in ${wait} s` : ', again now'
    return `${error?.message ?? 'failed'}${again}`
  }
  return status === 'working' && provider !== null ? provider : null
}
