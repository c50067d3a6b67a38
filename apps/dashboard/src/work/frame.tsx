import { Badge, classNames, usePage } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useDecisionCount } from './decisions/decision-count.ts'

const TABS = [
  { name: 'runs', title: 'Runs', to: '/work' },
  { name: 'queues', title: 'Queues', to: '/work/queues' },
  { name: 'failures', title: 'Failures', to: '/work/failures' },
  { name: 'decisions', title: 'Decisions', to: '/work/decisions' },
  { name: 'schedules', title: 'Schedules', to: '/work/schedules' },
] as const

export type WorkTab = (typeof TABS)[number]['name']

interface WorkFrameProps {
  tab: WorkTab
  /** Stands before the title in the browser's tab: `3 failed`. */
  note?: string | undefined
  /** At the right of the heading: the one primary action. */
  action?: ReactNode
  children: ReactNode
}

/** The head of the pages about work, with the way from one to another. */
export function WorkFrame({ tab, note, action, children }: WorkFrameProps) {
  const title = TABS.find(({ name }) => name === tab)?.title ?? ''
  const decisions = useDecisionCount()
  usePage({ title, trail: [{ label: 'Work', to: '/work' }], note })
  return (
    <>
      <div className="mb-3 flex flex-wrap items-end gap-x-6 border-b border-line">
        <h1 className="pb-1 text-title font-bold">
          Work<span className="sr-only">: {title}</span>
        </h1>
        <nav
          aria-label="Work"
          className="flex min-w-0 gap-x-5 max-sm:order-3 max-sm:basis-full max-sm:flex-wrap max-sm:justify-between max-sm:gap-x-2 max-sm:text-dense"
        >
          {TABS.map(({ name, title: word, to }) => (
            <Link
              key={name}
              to={to}
              aria-current={name === tab ? 'page' : undefined}
              className={classNames(
                'inline-flex h-9 shrink-0 items-center gap-1.5 border-b-2 max-sm:gap-1 border-transparent text-ink-2 transition-colors hover:text-ink pointer-coarse:h-11',
                name === tab && 'border-accent! font-medium text-ink',
              )}
            >
              {word}
              {name === 'decisions' && decisions > 0 && <Badge tone="waiting">{decisions.toLocaleString('en')}</Badge>}
            </Link>
          ))}
        </nav>
        {action && <span className="ml-auto flex items-center gap-2 pb-1.5">{action}</span>}
      </div>
      {children}
    </>
  )
}
