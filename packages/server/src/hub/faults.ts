import { HoldfastError, isHoldfastError } from '@holdfast/protocol'

/** Hears of what failed on our side while a stream was read or written, which its peer is told no more of. */
export type OnFault = (error: HoldfastError, stream: string) => void

/** Whatever was thrown, as one of ours. */
export function asHoldfastError(error: unknown): HoldfastError {
  return isHoldfastError(error) ? error : new HoldfastError('INTERNAL_ERROR', undefined, { cause: error })
}

/**
 * What a peer may know of it. The rest, where it is a fault of ours, is told to `onFault`, who is to be told once: by
 * whoever tells the peer, and only where no answer to a request does (plugins/problems.ts).
 */
export function knownOf(error: unknown, stream: string, onFault: OnFault): HoldfastError {
  const known = asHoldfastError(error)
  if (known.code === 'INTERNAL_ERROR') onFault(known, stream)
  return known
}
