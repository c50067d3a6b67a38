import { useEffect, useEffectEvent, useRef } from 'react'
import { Button } from './button.tsx'

interface MoreRowsProps {
  shown: number
  total: number
  onMore(): void
}

/** Reads on when the end of the list comes near; the button is for keyboards. */
export function MoreRows({ shown, total, onMore }: MoreRowsProps) {
  const ref = useRef<HTMLDivElement>(null)
  const more = useEffectEvent(onMore)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && more(), {
      rootMargin: '400px',
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return (
    <div ref={ref} className="flex items-center gap-3 border-t border-line px-cell-x py-2">
      <Button small onClick={onMore}>
        Show more
      </Button>
      <span className="numbers text-dense text-ink-3">
        {shown.toLocaleString('en')} of {total.toLocaleString('en')}
      </span>
    </div>
  )
}
