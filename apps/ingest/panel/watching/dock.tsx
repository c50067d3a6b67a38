import { classNames } from '@holdfast/ui'
import { type ReactNode, useEffect, useRef } from 'react'

/**
 * Stands at the foot of every page without covering what is read: the page keeps as much room free below its end as
 * this is high. On a phone it stands on the bar of places.
 */
export function Dock({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Stand height="--dock" label={label} testId="dock" className="bottom-(--places) z-25 border-line-strong">
      {children}
    </Stand>
  )
}

/**
 * A notice for a while, on top of the dock: nothing moves when it comes or goes. The room that is free below the end of
 * every page is as high, so that it covers nothing there.
 */
export function Notice({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Stand height="--notice" label={label} testId="notice-bar" className="bottom-(--foot) z-24 border-line">
      {children}
    </Stand>
  )
}

interface StandProps {
  /** The page's token that tells how high it is. */
  height: '--dock' | '--notice'
  label: string
  testId: string
  className: string
  children: ReactNode
}

function Stand({ height, label, testId, className, children }: StandProps) {
  const ref = useRef<HTMLElement>(null)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const { style } = document.documentElement
    const observer = new ResizeObserver(() => style.setProperty(height, `${element.offsetHeight}px`))
    observer.observe(element)
    return () => {
      observer.disconnect()
      style.removeProperty(height)
    }
  }, [height])
  return (
    <section
      ref={ref}
      aria-label={label}
      data-testid={testId}
      className={classNames(
        'fixed right-0 left-0 border-t bg-raised md:left-13 print:hidden min-[1440px]:left-46',
        className,
      )}
    >
      {children}
    </section>
  )
}
