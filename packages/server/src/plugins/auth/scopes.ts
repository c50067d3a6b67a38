import { isStreamName } from '../../log/stream-name.ts'

export type Action = 'read' | 'append' | 'manage'

/** A scope taken apart: what may be done, and where. */
export interface Scope {
  action: Action
  /** A stream's name; `null` for everything. */
  name: string | null
  /** Whether what lies below the name is meant too. */
  below: boolean
}

/** Everything there is. */
export const EVERYTHING = 'manage:*'

/**
 * Reads a scope: `read:`, `append:` or `manage:`, then `*` for everything, a stream's name for that stream alone, or a
 * name and `/*` for that stream and all below it. `null` for any other text.
 */
export function parseScope(text: string): Scope | null {
  const [, action, pattern] = /^(read|append|manage):(.+)$/s.exec(text) ?? []
  if (!action || !pattern) return null
  if (pattern === '*') return { action: action as Action, name: null, below: true }
  const below = pattern.endsWith('/*')
  const name = below ? pattern.slice(0, -2) : pattern
  return isStreamName(name) ? { action: action as Action, name, below } : null
}

/** Whether one of the scopes lets that be done to the stream. To manage is to append and to read; to append is not to read. */
export function allows(scopes: readonly string[], action: Action, stream: string): boolean {
  return parsed(scopes).some((scope) => includesAction(scope, action) && includesName(scope, stream))
}

/** Whether all that `scope` lets be done one of `scopes` does too. */
export function covers(scopes: readonly string[], scope: string): boolean {
  const asked = parseScope(scope)
  if (!asked) return false
  return parsed(scopes).some((held) => includesAction(held, asked.action) && includesPlace(held, asked))
}

function includesAction(held: Scope, action: Action): boolean {
  return held.action === action || held.action === 'manage'
}

function includesName({ name, below }: Scope, stream: string): boolean {
  if (name === null || name === stream) return true
  return below && stream.length > name.length && stream[name.length] === '/' && stream.startsWith(name)
}

function includesPlace(held: Scope, asked: Scope): boolean {
  if (asked.name === null) return held.name === null
  return includesName(held, asked.name) && (held.below || !asked.below)
}

// Taken apart once for all that is asked with a token.
const known = new WeakMap<readonly string[], readonly Scope[]>()

function parsed(scopes: readonly string[]): readonly Scope[] {
  const before = known.get(scopes)
  if (before) return before
  const made = scopes.flatMap((text) => parseScope(text) ?? [])
  known.set(scopes, made)
  return made
}
