import type { StepView } from '@holdfast/protocol/runs'
import { useEffect, useEffectEvent, useMemo, useRef, useState } from 'react'
import { useWorkRights } from '../../rights.ts'
import { useRunRoute } from '../run-route.ts'
import type { LiveRun } from '../use-live-run.ts'
import { COARSE, NARROW, useMedia } from '../use-media.ts'
import { AxisHead } from './axis-head.tsx'
import { ASK_HEIGHT, StepRow } from './step-row.tsx'
import { useAxis } from './use-axis.ts'
import { placeRows, rowsInView } from './virtual-rows.ts'

interface WaterfallProps {
  live: LiveRun
  steps: readonly StepView[]
  /** The end of what is known comes into view. */
  onEnd(): void
}

/** Bars over time; only those in view are drawn. `j` and `k` move from step to step, Enter opens one. */
export function Waterfall({ live: { run }, steps, onEnd }: WaterfallProps) {
  const { search, choose } = useRunRoute()
  const rights = useWorkRights()
  const isNarrow = useMedia(NARROW)
  const isCoarse = useMedia(COARSE)
  const axis = useAxis(run, steps)
  // On a phone the question stands above the steps only: once on a screen is enough.
  const mayDecide = rights.command(run) && run.commands.includes('decide') && !isNarrow
  const height = isNarrow || isCoarse ? 44 : 30
  const rows = useMemo(
    () => placeRows(steps.map(({ status }) => height + (mayDecide && status === 'unknown' ? ASK_HEIGHT : 0))),
    [steps, height, mayDecide],
  )
  const { ref, view, onScroll } = useView()
  const [focused, setFocused] = useState<string | null>(null)
  const shown = rowsInView(rows, view, focused === null ? -1 : steps.findIndex(({ key }) => key === focused))
  useReveal(ref, rows, search.step, steps)
  const isAtEnd = (shown[shown.length - 1] ?? 0) >= steps.length - 20
  const end = useEffectEvent(onEnd)
  useEffect(() => {
    if (isAtEnd && steps.length > 0) end()
  }, [isAtEnd, steps.length])
  return (
    <div data-testid="waterfall" data-rows={steps.length}>
      {!isNarrow && <AxisHead axis={axis} />}
      <div ref={ref} onScroll={onScroll} className="max-h-[min(56dvh,34rem)] overflow-y-auto overscroll-contain">
        <ol aria-label="Steps" className="relative" style={{ height: rows.height }}>
          {shown.map((index) => {
            const step = steps[index] as StepView
            return (
              <StepRow
                key={step.key}
                step={step}
                run={run}
                axis={axis}
                isNarrow={isNarrow}
                mayDecide={mayDecide}
                isOpen={search.step === step.key}
                place={{ top: rows.tops[index] ?? 0, height, index, count: steps.length }}
                onFocus={() => setFocused(step.key)}
                onBlur={() => setFocused(null)}
                onOpen={() => choose({ step: search.step === step.key ? undefined : step.key })}
              />
            )
          })}
        </ol>
      </div>
    </div>
  )
}

/** What of the scrolled box is in view, px. */
function useView() {
  const ref = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600 })
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const observer = new ResizeObserver(() => setView({ top: element.scrollTop, height: element.clientHeight }))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const onScroll = () => {
    const element = ref.current
    if (element) setView({ top: element.scrollTop, height: element.clientHeight })
  }
  return { ref, view, onScroll }
}

/** Brings the step that is chosen elsewhere (by a link, by the error's button) into view, once. */
function useReveal(
  ref: { current: HTMLElement | null },
  { tops }: { tops: readonly number[] },
  key: string | undefined,
  steps: readonly StepView[],
): void {
  const revealed = useRef<string | undefined>(undefined)
  useEffect(() => {
    const element = ref.current
    const top = tops[steps.findIndex((step) => step.key === key)]
    if (!element || key === revealed.current || top === undefined) return
    revealed.current = key
    if (top < element.scrollTop || top > element.scrollTop + element.clientHeight - 60) {
      element.scrollTop = top - element.clientHeight / 3
    }
  }, [ref, tops, key, steps])
}
