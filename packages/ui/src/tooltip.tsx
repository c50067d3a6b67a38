import {
  cloneElement,
  type FocusEvent,
  type PointerEvent,
  type ReactElement,
  type ReactNode,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { KeyHint } from './kbd.tsx'
import { putBeside, type Side } from './place-beside.ts'

/** How long a pointer rests before the words come, ms. */
const REST_MS = 400
/** How long it may take from the thing to its words, ms. */
const LEAVE_MS = 120

interface TooltipProps {
  /** A few words; what is needed to use the thing stands on the page, not here. */
  text: ReactNode
  /** The hotkey that does the same. */
  keys?: string
  /** Where there is no room it takes the other side. Default `bottom`. */
  side?: Side
  /** One element that can have the focus. */
  children: ReactElement<object>
}

/** A few more words on hover and on focus; Escape takes them away. Not under a thumb, which cannot hover. */
export function Tooltip({ text, keys, side = 'bottom', children }: TooltipProps) {
  const id = useId()
  const { anchor, show, hide, hideNow } = useHover()
  const events = {
    onPointerEnter: (event: PointerEvent<Element>) =>
      event.pointerType === 'mouse' && show(event.currentTarget, REST_MS),
    onPointerLeave: () => hide(LEAVE_MS),
    onPointerDown: hideNow,
    onFocus: (event: FocusEvent<Element>) =>
      event.currentTarget.matches(':focus-visible') && show(event.currentTarget, 0),
    onBlur: hideNow,
  }
  return (
    <>
      {cloneElement(children, { ...events, ...(anchor && { 'aria-describedby': id }) } as object)}
      {anchor && (
        <Words
          id={id}
          anchor={anchor}
          side={side}
          onPointerEnter={() => show(anchor, 0)}
          onPointerLeave={() => hide(LEAVE_MS)}
        >
          {text}
          {keys && <KeyHint keys={keys} />}
        </Words>
      )}
    </>
  )
}

interface Hover {
  /** What the words are shown of; `null` while they are not. */
  anchor: Element | null
  show(anchor: Element, afterMs: number): void
  hide(afterMs: number): void
  hideNow(): void
}

function useHover(): Hover {
  const [anchor, setAnchor] = useState<Element | null>(null)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const after = (ms: number, next: Element | null) => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setAnchor(next), ms)
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  useEffect(() => {
    if (!anchor) return
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && setAnchor(null)
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [anchor])
  return {
    anchor,
    show: (next, ms) => after(ms, next),
    hide: (ms) => after(ms, null),
    hideNow: () => after(0, null),
  }
}

interface WordsProps {
  id: string
  anchor: Element
  side: Side
  onPointerEnter(): void
  onPointerLeave(): void
  children: ReactNode
}

function Words({ id, anchor, side, children, ...events }: WordsProps) {
  const ref = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    if (!ref.current) return
    // Above everything else, whatever clips the thing itself.
    ref.current.showPopover()
    putBeside(ref.current, anchor, side, 'center')
  }, [anchor, side])
  return (
    <div
      ref={ref}
      id={id}
      role="tooltip"
      popover="manual"
      {...events}
      className="appear fixed inset-auto m-0 flex w-max max-w-72 items-center gap-2 rounded-sm border border-line bg-raised px-2 py-1 text-dense font-normal text-ink shadow-float not-popover-open:hidden"
    >
      {children}
    </div>
  )
}
