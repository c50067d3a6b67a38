import type { ReactNode } from 'react'
import type { Tone } from './chip.tsx'
import { classNames } from './class-names.ts'

const TONES: Record<Tone, string> = {
  working: 'bg-accent-soft text-accent',
  done: 'bg-done-soft text-done',
  waiting: 'bg-wait-soft text-wait',
  failed: 'bg-fail-soft text-fail',
  quiet: 'bg-quiet-soft text-quiet',
}

/** A count beside a word: `Failed 3`. Default tone `quiet`. */
export function Badge({ tone = 'quiet', children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={classNames(
        'numbers inline-flex h-4.5 min-w-4.5 shrink-0 items-center justify-center rounded-full border border-transparent px-1.5 text-small font-medium',
        TONES[tone],
      )}
    >
      {children}
    </span>
  )
}
