import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'

const LOOKS = {
  waiting: 'bg-wait-soft text-wait',
  failed: 'bg-fail-soft text-fail',
  quiet: 'bg-quiet-soft text-ink-2',
  working: 'bg-accent-soft text-accent',
} as const

interface BannerProps {
  icon: LucideIcon
  tone: keyof typeof LOOKS
  /** What is so. */
  title: ReactNode
  /** What still works, and since when. */
  children?: ReactNode
  /** The one thing to do about it. */
  action?: ReactNode
}

/** A state of the whole page that lasts: stale, degraded, offline, outdated. */
export function Banner({ icon: Icon, tone, title, children, action }: BannerProps) {
  return (
    <div
      role="status"
      data-testid="banner"
      className={classNames('flex flex-wrap items-center gap-x-3 gap-y-1 rounded-md px-3 py-2', LOOKS[tone])}
    >
      <Icon size={16} className="shrink-0" aria-hidden="true" />
      <p className="min-w-0 flex-1 basis-56">
        <span className="font-medium">{title}</span>
        {children && <span className="text-ink-2"> {children}</span>}
      </p>
      {action}
    </div>
  )
}
