import type { Offset } from '@holdfast/protocol'
import type { Place } from '../place.ts'

export interface AppendAsked {
  stream: string
  /** As JSON texts. */
  events: readonly string[]
  seal: boolean
  producer?: { id: string; epoch: number; seq: number }
}

/**
 * What was said to an append. `ok` without an offset: it had been appended before. `unknown`: the line was cut, or the
 * server could not say.
 */
export type Answer = { type: 'ok'; offset?: Offset } | { type: 'fail'; code: string } | { type: 'unknown' }

/** A way in, as PROTOCOL.md has it. Never rejects. */
export interface Door {
  readonly name: string
  /** Whether it takes a producer's triple, and with it a repetition. */
  readonly isIdempotent: boolean
  append(place: Place, asked: AppendAsked): Promise<Answer>
}

/** A refusal by its code: two of them say nothing of what became of the append, every other that nothing was written. */
export function refused(code: string): Answer {
  return code === 'OUTCOME_UNKNOWN' || code === '503' ? { type: 'unknown' } : { type: 'fail', code }
}
