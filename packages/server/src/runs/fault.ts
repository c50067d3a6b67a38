import { createHash } from 'node:crypto'
import { ERRORS, HoldfastError } from '@holdfast/protocol'
import type { RunFault } from '@holdfast/protocol/runs'

// Of a message for people, not a document: it stands in the run's row, its journal and its state.
const MESSAGE_MAX_LENGTH = 2_000

/** What people are told of an error: ours as it is, of any other nothing of the inside. */
export function faultOf(error: unknown): RunFault {
  if (!(error instanceof HoldfastError) || error.code === 'INTERNAL_ERROR')
    return { code: 'INTERNAL_ERROR', message: ERRORS.INTERNAL_ERROR.title }
  const { code, message, retryAfter } = error
  return { code, message: message.slice(0, MESSAGE_MAX_LENGTH), ...(retryAfter === undefined ? {} : { retryAfter }) }
}

/** The same for failures of one cause, of which people may be told nothing: made of what the error itself says. */
export function causeOfError(name: string, error: unknown): string {
  const { code } = faultOf(error)
  return causeOf(name, { code, message: error instanceof Error ? error.message : String(error) })
}

/**
 * The same for failures of one kind of run that have one cause, whatever ids, numbers and names their messages carry:
 * twelve hexadecimal digits.
 */
export function causeOf(name: string, { code, message }: RunFault): string {
  const shape = message
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '"…"')
    .replace(/\b[0-9a-f]{8,}\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, '…')
    .replace(/\d+(\.\d+)?/g, '0')
  return createHash('sha256').update(`${name}\n${code}\n${shape}`).digest('hex').slice(0, 12)
}
