import { type Offset, parseOffset } from '@holdfast/protocol'
import type { Command } from './broker.ts'
import type { Flags } from './signal-gathering.ts'

/** The value of a text that may be anybody's; `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isNodeId(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

export function isOffset(value: unknown): value is Offset {
  return typeof value === 'string' && parseOffset(value) !== null
}

export function isFlags(value: unknown): value is Flags {
  return value === '' || value === 's' || value === 'd'
}

/** `null` for what is no command. */
export function commandOf(value: unknown): Command | null {
  const { type, run, provider, principal } = Object(value) as Record<string, unknown>
  switch (type) {
    case 'runs_due':
      return { type }
    case 'run_told':
      return typeof run === 'string' ? { type, run } : null
    case 'provider_freed':
      return typeof provider === 'string' ? { type, provider } : null
    case 'session_revoke':
    case 'session_kick':
      return typeof principal === 'string' ? { type, principal } : null
    default:
      return null
  }
}
