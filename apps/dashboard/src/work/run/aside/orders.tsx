import type { RunState } from '@holdfast/protocol/runs'
import { Moment } from '@holdfast/ui'
import { Part } from './part.tsx'

/** What people and programs ordered, newest first: what, who, when. */
export function Orders({ state }: { state: RunState | null }) {
  if (state === null || state.commands.length === 0) return null
  return (
    <Part title="Orders given" testId="orders">
      {[...state.commands].reverse().map(({ id, command, by, at }) => (
        <li key={id} className="flex items-baseline gap-1.5">
          <span className="min-w-0 flex-1 truncate" title={`${command} by ${by}`}>
            <span className="text-ink">{WORDS[command] ?? command}</span> by {by}
          </span>
          <span className="text-ink-3">
            <Moment at={at} />
          </span>
        </li>
      ))}
    </Part>
  )
}

const WORDS: Record<string, string> = {
  cancel: 'Cancel',
  pause: 'Pause',
  resume: 'Resume',
  steer: 'Message',
  approve: 'Approved',
  reject: 'Rejected',
  signal: 'Answer',
  decide: 'Decided',
  retry: 'Retry',
  priority: 'Priority',
  move: 'Moved',
}
