import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { useHotkeys } from './hotkeys.ts'
import type { Selection } from './selection.ts'

interface SelectionBarProps {
  selection: Selection
  /** How many match the filter. */
  total: number
  /** One and many of what is selected: `['file', 'files']`. */
  words: readonly [one: string, many: string]
  /** What can be done with them: buttons. */
  children: ReactNode
}

/** What is selected and what can be done with it, at the foot of the page; gone while nothing is selected. */
export function SelectionBar({ selection, total, words, children }: SelectionBarProps) {
  const { count, isAll } = selection
  useHotkeys({
    Escape: { what: 'Select nothing', group: 'List', isActive: () => count > 0, run: selection.clear },
  })
  if (count === 0) return null
  const number = count.toLocaleString('en')
  return (
    <section
      aria-label="Selection"
      data-testid="selection-bar"
      className="appear sticky bottom-[calc(var(--over)+0.75rem)] z-20 mx-auto mt-3 flex w-fit max-w-full flex-wrap items-center gap-2 rounded-md border border-line-strong bg-raised py-1.5 pr-1.5 pl-3 shadow-float"
    >
      <output className="numbers font-medium">
        {number} {count === 1 ? words[0] : words[1]} selected
      </output>
      {!isAll && total > count && (
        <Button look="quiet" small onClick={selection.selectAll}>
          Select all {total.toLocaleString('en')} that match
        </Button>
      )}
      {children}
      <Button look="quiet" small icon={X} aria-label="Select nothing" onClick={selection.clear} />
    </section>
  )
}
