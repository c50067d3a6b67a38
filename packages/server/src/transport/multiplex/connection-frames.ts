import type { Clock, Ref, ServerFrame } from '@holdfast/protocol'
import { endOf, type Holder } from '../credential.ts'
import type { Limits } from '../limits.ts'

// After a restart everybody comes back within this time, spread over it, and nobody before the server can be up again.
const RETRY_MIN_MS = 500
const RETRY_SPREAD_MS = 4_500

/** What the server says first to whoever reads many streams. `heartbeatMs`: how often it says that it is there. */
export function welcomeFrame(limits: Limits, clock: Clock, heartbeatMs: number, holder: Holder): ServerFrame {
  const expiresAt = endOf(holder.credential)
  return {
    type: 'welcome',
    protocol: 1,
    time: timeOf(clock),
    heartbeatMs,
    principal: holder.credential?.principal ?? '',
    scope: [...holder.scope],
    ...(expiresAt === null ? {} : { expiresAt }),
    limits: {
      subscriptions: limits.subscriptions,
      frameBytes: limits.requestBytes,
      appendEvents: limits.appendMessages,
    },
  }
}

/** The answer to a token that holds. */
export function authenticatedFrame({ credential }: Holder, ref: Ref | undefined): ServerFrame {
  return { type: 'authenticated', ...(ref === undefined ? {} : { ref }), expiresAt: endOf(credential) }
}

export function heartbeatFrame(clock: Clock): ServerFrame {
  return { type: 'heartbeat', time: timeOf(clock) }
}

/** The server goes. `random`: evenly spread from 0 to below 1. */
export function drainFrame(random: () => number): ServerFrame {
  return { type: 'drain', retryAfterMs: Math.round(RETRY_MIN_MS + RETRY_SPREAD_MS * random()) }
}

/** The server's time as frames tell it. */
export function timeOf(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}
