import { type ReactNode, useEffect, useRef } from 'react'

/**
 * Stands at the foot of every page without covering what is read: the page keeps as much room free below its end as
 * this is high. On a phone it stands on the bar of places.
 */
export function Dock({ label, children }: { label: string; children: ReactNode }) {
  const ref = useRef<HTMLElement>(null)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const { style } = document.documentElement
    const observer = new ResizeObserver(() => style.setProperty('--dock', `${element.offsetHeight}px`))
    observer.observe(element)
    return () => {
      observer.disconnect()
      style.removeProperty('--dock')
    }
  }, [])
  return (
    <section
      ref={ref}
      aria-label={label}
      data-testid="dock"
      className="fixed right-0 bottom-(--places) left-0 z-25 border-t border-line-strong bg-raised md:left-13 print:hidden min-[1440px]:left-46"
    >
      {children}
    </section>
  )
}
