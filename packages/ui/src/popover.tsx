import {
  cloneElement,
  type ReactElement,
  type ReactNode,
  type ToggleEvent,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { type Align, putBeside, type Side } from './place-beside.ts'

interface PopoverProps {
  /** The button that opens it. */
  trigger: ReactElement<object>
  /** What it is, to a screen reader. */
  label: string
  /** Drawn while it is open; a function is given the way to close it. */
  children: ReactNode | ((close: () => void) => ReactNode)
  /** Which edge of the trigger it keeps to. Default `end`. */
  align?: Align
  /** Where there is no room it takes the other side. Default `bottom`. */
  side?: Side
}

/**
 * Details beside a button; the page behind stays usable. Escape and a press elsewhere close it, and Tab goes from the
 * button into it: the browser's own popover does all of that.
 */
export function Popover({ trigger, label, children, align = 'end', side = 'bottom' }: PopoverProps) {
  const id = useId()
  const ref = useRef<HTMLDivElement>(null)
  const [isOpen, setOpen] = useState(false)
  useLayoutEffect(() => {
    const anchor = document.querySelector(`[popovertarget="${id}"]`)
    if (!isOpen || !ref.current || !anchor) return
    const floating = ref.current
    const place = () => putBeside(floating, anchor, side, align)
    place()
    // What stands in it can grow while it is open.
    const observer = new ResizeObserver(place)
    observer.observe(floating)
    window.addEventListener('resize', place)
    return () => {
      observer.disconnect()
      window.removeEventListener('resize', place)
    }
  }, [isOpen, id, side, align])
  const close = () => ref.current?.hidePopover()
  const onToggle = (event: ToggleEvent) => setOpen(event.newState === 'open')
  return (
    <>
      {cloneElement(trigger, { popoverTarget: id, 'aria-haspopup': 'dialog', 'aria-expanded': isOpen } as object)}
      <div
        ref={ref}
        id={id}
        popover="auto"
        {...(isOpen && { role: 'dialog', 'aria-label': label })}
        onBeforeToggle={onToggle}
        className="appear fixed inset-auto m-0 w-80 max-w-[calc(100vw-1rem)] rounded-md border border-line bg-raised p-3 text-body text-ink shadow-float"
      >
        {isOpen && (typeof children === 'function' ? children(close) : children)}
      </div>
    </>
  )
}
