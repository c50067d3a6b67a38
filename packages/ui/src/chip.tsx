import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'

export type Tone = 'working' | 'done' | 'waiting' | 'failed' | 'quiet'

const TONES: Record<Tone, string> = {
  working: 'bg-accent-soft text-accent',
  done: 'bg-done-soft text-done',
  waiting: 'bg-wait-soft text-wait',
  failed: 'bg-fail-soft text-fail',
  quiet: 'bg-quiet-soft text-quiet',
}

/** Text colour of a tone, for figures beside a chip. */
export const TONE_TEXT: Record<Tone, string> = {
  working: 'text-accent',
  done: 'text-done',
  waiting: 'text-wait',
  failed: 'text-fail',
  quiet: 'text-quiet',
}

/** A status: icon, word and colour together. */
export function Chip({ tone, icon: Icon, children }: { tone: Tone; icon: LucideIcon; children: ReactNode }) {
  return (
    <span
      data-testid="status"
      className={classNames(
        'inline-flex h-5 shrink-0 items-center align-middle gap-1 rounded-sm border border-transparent px-1.5 text-small font-medium whitespace-nowrap',
        TONES[tone],
      )}
    >
      <Icon size={13} aria-hidden="true" />
      {children}
    </span>
  )
}
