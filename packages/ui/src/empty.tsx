import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

interface EmptyProps {
  icon: LucideIcon
  title: ReactNode
  /** What this is for, or why there is nothing. */
  children?: ReactNode
  /** The one action. */
  action?: ReactNode
}

/** Nothing here: says what it is for and what to do. */
export function Empty({ icon: Icon, title, children, action }: EmptyProps) {
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-12 text-center">
      <Icon size={24} className="text-ink-3" aria-hidden="true" />
      <p className="font-medium">{title}</p>
      {children && <div className="max-w-md text-ink-2">{children}</div>}
      {action && <div className="mt-2">{action}</div>}
    </div>
  )
}
