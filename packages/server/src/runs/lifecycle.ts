import type { RunStatus } from '@holdfast/protocol/runs'
import type { Liveness, StoredStatus } from './run.ts'

/**
 * The life of a run, in words:
 *
 * A run is born **queued**: on disk, with a stream, and told of. It may be claimed when it is due, when nothing stands
 * before it in the line of its serial key, and when its queue is open and has room. A worker that claims it begins an
 * attempt: the run is **working**, under a lease.
 *
 * While it works, signs of life come: every step, every word of progress, every heartbeat is one of the work, and the
 * worker renews the leases of all it has. Where the work has been silent for its `quietMs`, or half a lease has passed
 * without renewal, it is **quiet**; at four times that, or five sixths of the lease, **stalled**. Any sign of the work makes it
 * working again. When the lease has ended it is **lost**: the attempt is fenced off, whatever it still writes changes
 * nothing, and the run may be claimed by anybody, at the place in the queue it had.
 *
 * An attempt may come to a place where it has to wait: for time, for a word from outside, for another run, for a free
 * place at a provider, for the next try. It gives its worker free and the run is **waiting**; what it waits for stands
 * beside it. When that comes it is queued again. A person may pause a run: one that does not work waits from that
 * moment, one that does after the steps it is in; resuming queues it. A run whose unsafe step may or may not have been
 * done waits for a person's decision; one that took its server down five times without getting on waits, parked, until a
 * person tries again; one of a version no server knows waits for a server that does.
 *
 * An attempt that is given back (its server closes, the store was away) is queued again; it is not held against it.
 *
 * It ends once, as **done**, **failed** or **cancelled**, in the commit that appends its last event and seals its stream.
 * A cancel that was acknowledged is not outrun: whatever does not work is cancelled at once, whatever works when its
 * step lets go. From an end nothing leads on: to try again is to start another run, linked to this one.
 */

/** What may happen to a run, and between which states it leads. */
export const TRANSITIONS = {
  /** A worker takes it. */
  claim: { from: ['queued', 'lost'], to: 'working' },
  /** A sign of the work after silence. */
  sign: { from: ['quiet', 'stalled'], to: 'working' },
  silence: { from: ['working'], to: 'quiet' },
  longSilence: { from: ['working', 'quiet'], to: 'stalled' },
  /** The lease ended. */
  expire: { from: ['working', 'quiet', 'stalled'], to: 'lost' },
  giveBack: { from: ['working', 'quiet', 'stalled'], to: 'queued' },
  /** The attempt waits for something, or has seen that it is to pause. */
  wait: { from: ['working', 'quiet', 'stalled'], to: 'waiting' },
  /** What it waited for has come, or a person let it go on. */
  wake: { from: ['waiting'], to: 'queued' },
  /** By a person, or because no server knows its version. */
  hold: { from: ['queued', 'lost', 'waiting'], to: 'waiting' },
  finish: { from: ['working', 'quiet', 'stalled'], to: 'done' },
  fail: { from: ['working', 'quiet', 'stalled', 'waiting'], to: 'failed' },
  /** Of a run that works: once its step let go. */
  cancel: { from: ['queued', 'lost', 'waiting', 'working', 'quiet', 'stalled'], to: 'cancelled' },
} as const satisfies Record<string, { from: readonly RunStatus[]; to: RunStatus }>

export type Transition = keyof typeof TRANSITIONS

/** Where that leads from there; `null` where it leads nowhere. */
export function next(status: RunStatus, transition: Transition): RunStatus | null {
  const { from, to } = TRANSITIONS[transition]
  return (from as readonly RunStatus[]).includes(status) ? to : null
}

/** How a run stands, as people see it. */
export function statusOf({ status, liveness }: { status: StoredStatus; liveness: Liveness }): RunStatus {
  if (status === 'working') return liveness
  return status === 'queued' && liveness === 'lost' ? 'lost' : status
}

/** What is known of an attempt's signs of life; times in milliseconds on one clock. */
export interface Signs {
  now: number
  /** The last sign of the work itself. */
  heardAt: number
  leaseUntil: number
  leaseMs: number
  quietMs: number
}

// Of the lease, without renewal. A worker renews three times in it.
const QUIET_LEASE = 1 / 2
const STALLED_LEASE = 5 / 6
// So many times `quietMs` without a sign of the work.
const STALLED_SILENCE = 4

/** How alive an attempt is, and in how many milliseconds that changes if nothing is heard. */
export function livenessOf({ now, heardAt, leaseUntil, leaseMs, quietMs }: Signs): {
  liveness: Liveness
  changesIn: number
} {
  const renewedAt = leaseUntil - leaseMs
  const quietAt = Math.min(heardAt + quietMs, renewedAt + leaseMs * QUIET_LEASE)
  const stalledAt = Math.min(heardAt + quietMs * STALLED_SILENCE, renewedAt + leaseMs * STALLED_LEASE)
  if (now >= leaseUntil) return { liveness: 'lost', changesIn: Number.POSITIVE_INFINITY }
  if (now >= stalledAt) return { liveness: 'stalled', changesIn: leaseUntil - now }
  if (now >= quietAt) return { liveness: 'quiet', changesIn: Math.min(stalledAt, leaseUntil) - now }
  return { liveness: 'working', changesIn: Math.min(quietAt, stalledAt, leaseUntil) - now }
}
