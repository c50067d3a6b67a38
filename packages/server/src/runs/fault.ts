import { createHash } from 'node:crypto'
import { HoldfastError } from '@holdfast/protocol'
import type { RunFault } from '@holdfast/protocol/runs'

/** What people are told of an error: ours as it is, of any other nothing of the inside. */
export function faultOf(error: unknown): RunFault {
  if (!(error instanceof HoldfastError)) return { code: 'INTERNAL_ERROR', message: 'Something failed on our side.' }
  const { code, message, retryAfter } = error
  return { code, message, ...(retryAfter === undefined ? {} : { retryAfter }) }
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
