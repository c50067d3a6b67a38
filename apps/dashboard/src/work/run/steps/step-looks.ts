import type { StepView } from '@holdfast/protocol/runs'
import type { Tone } from '@holdfast/ui'
import {
  Check,
  CircleSlash,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  MessageCircleQuestion,
  Recycle,
  Unplug,
} from 'lucide-react'
import { exactTime, took } from '../words.ts'

interface StepLook {
  tone: Tone
  icon: LucideIcon
  word: string
  /** Of its bar. */
  bar: string
}

const LOOKS = {
  working: { tone: 'working', icon: LoaderCircle, word: 'Working', bar: 'bg-accent' },
  done: { tone: 'done', icon: Check, word: 'Done', bar: 'bg-done' },
  failed: { tone: 'failed', icon: CircleSlash, word: 'Failed', bar: 'bg-fail' },
  retrying: { tone: 'waiting', icon: Hourglass, word: 'Tried again soon', bar: 'bg-fail' },
  cutOff: { tone: 'quiet', icon: Unplug, word: 'Cut off', bar: 'bg-wait' },
  unknown: { tone: 'waiting', icon: MessageCircleQuestion, word: 'To decide', bar: 'bg-wait' },
  reused: { tone: 'quiet', icon: Recycle, word: 'Reused', bar: 'border border-line-strong bg-quiet-soft' },
} as const satisfies Record<string, StepLook>

/** Icon, word, tone and bar of how a step stands. */
export function stepLookOf(step: StepView): StepLook {
  const { status, reused, retryAt } = step
  if (reused) return LOOKS.reused
  if (isCutOff(step)) return LOOKS.cutOff
  if (status === 'failed' && retryAt !== null) return LOOKS.retrying
  return LOOKS[status]
}

/** Its attempt was over before it was: nobody said that it failed. */
export function isCutOff({ status, endedAt, error }: StepView): boolean {
  return status === 'failed' && endedAt === null && error === null
}

/** How long it took or has been at it, ms; `null` where nobody knows. */
export function lengthOf({ startedAt, endedAt, status }: StepView, now: number): number | null {
  if (endedAt !== null) return Math.max(0, Date.parse(endedAt) - Date.parse(startedAt))
  return status === 'working' ? Math.max(0, now - Date.parse(startedAt)) : null
}

/** Exactly when, how long and how often: what hover and focus tell. */
export function exactWords(step: StepView): string {
  const length = lengthOf(step, Date.now())
  const parts = [
    `started ${exactTime(step.startedAt)}`,
    step.endedAt !== null && `ended ${exactTime(step.endedAt).split(' ')[1]}`,
    length !== null && `${step.endedAt === null ? 'for' : 'took'} ${took(length)}`,
    `attempt ${step.attempt}`,
    step.tries > 1 && `try ${step.tries}`,
  ]
  return parts.filter(Boolean).join(', ')
}
