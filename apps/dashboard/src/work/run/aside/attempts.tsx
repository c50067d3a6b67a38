import type { RunAttempt, RunDetails } from '@holdfast/protocol/runs'
import { duration, TONE_TEXT, type Tone, useNow } from '@holdfast/ui'
import { Ban, Check, CircleSlash, Hourglass, LoaderCircle, type LucideIcon, Undo2, Unplug, Zap } from 'lucide-react'
import { exactTime } from '../words.ts'
import { Part } from './part.tsx'

const OUTCOMES: Record<RunAttempt['outcome'], { tone: Tone; icon: LucideIcon; word: string }> = {
  working: { tone: 'working', icon: LoaderCircle, word: 'Working' },
  done: { tone: 'done', icon: Check, word: 'Done' },
  failed: { tone: 'failed', icon: CircleSlash, word: 'Failed' },
  cancelled: { tone: 'quiet', icon: Ban, word: 'Cancelled' },
  waiting: { tone: 'waiting', icon: Hourglass, word: 'Came to a wait' },
  lost: { tone: 'failed', icon: Unplug, word: 'Worker lost' },
  given_back: { tone: 'quiet', icon: Undo2, word: 'Given back at a restart' },
  crashed: { tone: 'failed', icon: Zap, word: 'Server went down' },
}

/** So many of the newest are shown. */
const SHOWN = 8

/** The tries at it, newest first, with what became of each. */
export function Attempts({ run }: { run: RunDetails }) {
  const newest = run.attempts.slice(-SHOWN).reverse()
  if (newest.length === 0) return null
  const hidden = run.attempts.length - newest.length
  return (
    <Part title={`Attempts (${run.attempts.length.toLocaleString('en')})`} testId="attempts">
      {newest.map((attempt) => (
        <Attempt key={attempt.attempt} attempt={attempt} />
      ))}
      {hidden > 0 && <li className="text-ink-3">and {hidden.toLocaleString('en')} earlier; the log has them</li>}
    </Part>
  )
}

function Attempt({ attempt: { attempt, worker, startedAt, endedAt, outcome, error } }: { attempt: RunAttempt }) {
  const { tone, icon: Icon, word } = OUTCOMES[outcome]
  const now = useNow(endedAt === null ? 1000 : null)
  const took = (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt)
  return (
    <li className="flex items-start gap-1.5" title={`began ${exactTime(startedAt)} at ${worker}`}>
      <Icon size={14} aria-hidden="true" className={`mt-0.5 shrink-0 ${TONE_TEXT[tone]}`} />
      <span className="min-w-0 flex-1">
        <span className="numbers">
          {attempt}. {word}
        </span>
        {error && <span className="line-clamp-2 break-words text-ink-3">{error.message}</span>}
      </span>
      <span className="numbers shrink-0 text-ink-3">{duration(Math.max(0, took))}</span>
    </li>
  )
}
