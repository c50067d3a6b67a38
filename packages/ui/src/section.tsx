import { ChevronRight } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import { classNames } from './class-names.ts'

interface SectionProps {
  title: ReactNode
  /** One line that tells enough while it is closed: `64 of 67 files, 2 failed`. */
  summary?: ReactNode
  /** Whether it is open is the caller's to keep, in the address: a link shows what its sender saw. */
  open: boolean
  onOpenChange(open: boolean): void
  /** Buttons at the right, which do not open or close it. */
  actions?: ReactNode
  children: ReactNode
}

/** A part of a page that folds to one line. */
export function Section({ title, summary, open, onOpenChange, actions, children }: SectionProps) {
  const id = useId()
  return (
    <section className="rounded-md border border-line bg-raised">
      <div className="flex min-h-row items-center gap-2 pr-2 pointer-coarse:min-h-11">
        <h2 className="min-w-0 flex-1">
          <button
            type="button"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => onOpenChange(!open)}
            className="flex min-h-row w-full min-w-0 items-center gap-2 rounded-md px-cell-x text-left -outline-offset-2 hover:bg-sunken pointer-coarse:min-h-11"
          >
            <ChevronRight
              size={16}
              aria-hidden="true"
              className={classNames('shrink-0 text-ink-3 transition-transform', open && 'rotate-90')}
            />
            <span className="flex min-w-0 flex-1 flex-wrap items-baseline gap-x-2 py-1">
              <span className="min-w-0 max-w-full truncate font-medium">{title}</span>
              {summary && (
                <span className="numbers min-w-0 max-w-full truncate text-dense font-normal text-ink-2">{summary}</span>
              )}
            </span>
          </button>
        </h2>
        {actions}
      </div>
      <div id={id} hidden={!open} className="border-t border-line">
        {open && children}
      </div>
    </section>
  )
}
