import { hasEnded } from '@holdfast/protocol/runs'
import { Banner, Moment } from '@holdfast/ui'
import { WifiOff } from 'lucide-react'
import { useEffect, useRef } from 'react'
import type { LiveRun } from './use-live-run.ts'

/**
 * Of a living run whose news do not come: that what is shown is of before, and that the run does not need the page. It lies
 * on the free end of the page, so that nothing moves when it comes or goes.
 */
export function RunNotice({ live: { run, connection } }: { live: LiveRun }) {
  const isAway = connection.state === 'reconnecting' || connection.state === 'error'
  return isAway && !hasEnded(run.status) ? <Away since={connection.since} /> : null
}

function Away({ since }: { since: number }) {
  const ref = useRef<HTMLElement>(null)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const { style } = document.documentElement
    const observer = new ResizeObserver(() => style.setProperty('--notice', `${element.offsetHeight}px`))
    observer.observe(element)
    return () => {
      observer.disconnect()
      style.removeProperty('--notice')
    }
  }, [])
  return (
    <section
      ref={ref}
      aria-label="Connection"
      data-testid="stale"
      className="fixed right-0 bottom-(--foot) left-0 z-24 border-t border-line bg-raised text-dense *:rounded-none md:left-13 print:hidden min-[1440px]:left-46"
    >
      <Banner
        icon={WifiOff}
        tone="waiting"
        title={
          <>
            The connection was lost {/* It counts on: said once, not every second. */}
            <span aria-live="off">
              <Moment at={new Date(since).toISOString()} />
            </span>
            .
          </>
        }
      >
        What stands here is of then; the run does not need this page to go on.
      </Banner>
    </section>
  )
}
