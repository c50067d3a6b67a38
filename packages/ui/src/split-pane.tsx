import { type KeyboardEvent, type PointerEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { classNames } from './class-names.ts'
import { useStored } from './stored.ts'

interface SplitPaneProps {
  /** Names the width that is kept on this device: `files`. */
  name: string
  list: ReactNode
  /** What is chosen in the list; `null` gives the list all the room. On a phone it stands in the list's place. */
  detail: ReactNode | null
  /** Width of the detail, px. Default 420, between 280 and 960. */
  width?: number
}

const LEAST = 280
const MOST = 960
const STEP = 24

/** A list with the detail of what is chosen beside it, and an edge between them that can be moved. */
export function SplitPane({ name, list, detail, width: initial = 420 }: SplitPaneProps) {
  const [kept, keep] = useStored(`pane.${name}`)
  const [dragged, setDragged] = useState<number | null>(null)
  const width = dragged ?? clamp(Number(kept) || initial)
  const listRef = useRef<HTMLDivElement>(null)
  const detailRef = useRef<HTMLDivElement>(null)
  const isOpen = detail !== null
  useEffect(() => {
    // In the list's place it can begin below the screen: whoever opened it, by a press or a link, looks for it. It is
    // as high as the screen from the start, so that it comes to its top before what it says was read.
    if (isOpen && listRef.current?.offsetParent === null) detailRef.current?.scrollIntoView({ block: 'start' })
  }, [isOpen])
  if (!isOpen) return list
  return (
    <div className="md:flex md:items-start">
      <div ref={listRef} className="min-w-0 flex-1 max-md:hidden">
        {list}
      </div>
      <Edge width={width} onMove={setDragged} onKeep={(next) => keep(String(next))} onReset={() => keep(null)} />
      {/* Not wider than the window has room for, whatever was kept on a larger screen. */}
      <div
        ref={detailRef}
        className="min-w-0 max-md:min-h-dvh max-md:scroll-mt-16 md:w-(--pane) md:max-w-[60%] md:shrink-0"
        style={{ '--pane': `${width}px` } as object}
      >
        {detail}
      </div>
    </div>
  )
}

interface EdgeProps {
  width: number
  /** While it is dragged; `null` when it is let go. */
  onMove(width: number | null): void
  onKeep(width: number): void
  onReset(): void
}

function Edge({ width, onMove, onKeep, onReset }: EdgeProps) {
  const from = useRef<{ x: number; width: number } | null>(null)
  const at = (event: PointerEvent) => clamp((from.current?.width ?? 0) + (from.current?.x ?? 0) - event.clientX)
  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId)
    from.current = { x: event.clientX, width }
  }
  const onPointerUp = (event: PointerEvent) => {
    if (from.current === null) return
    onKeep(at(event))
    from.current = null
    onMove(null)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowLeft' ? STEP : event.key === 'ArrowRight' ? -STEP : 0
    if (step === 0) return
    event.preventDefault()
    onKeep(clamp(width + step))
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: an <hr> cannot be moved; this is ARIA's window splitter
    <div
      role="separator"
      aria-label="Width of the detail"
      aria-orientation="vertical"
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      aria-valuenow={width}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onPointerMove={(event) => from.current && onMove(at(event))}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
      onDoubleClick={onReset}
      onKeyDown={onKeyDown}
      className={classNames(
        'group hidden w-4 shrink-0 cursor-col-resize touch-none self-stretch md:flex md:justify-center',
      )}
    >
      <span className="w-px bg-transparent transition-colors group-hover:bg-accent group-focus-visible:bg-accent" />
    </div>
  )
}

function clamp(width: number): number {
  return Math.round(Math.min(MOST, Math.max(LEAST, width)))
}
