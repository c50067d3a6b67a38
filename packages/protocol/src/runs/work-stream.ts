import * as z from 'zod/mini'
import { defineStream } from '../define-stream.ts'
import { RunStatus } from './run-view.ts'

const change = z.object({ id: z.string(), status: RunStatus, queue: z.string(), percent: z.nullable(z.number()) })

/**
 * That runs and queues have changed, at most a few events a second for each server: for lists, which read anew what they
 * show. What happened to a run in order, and all of it, stands in the run's own stream.
 */
export const workStream = defineStream('operators/queue', {
  version: 1,
  events: {
    /** At most 200 runs; `more` says that there were others. */
    runs_changed: z.object({ runs: z.array(change), more: z.boolean() }),
    /** A queue, a provider or a schedule was set otherwise. */
    settings_changed: z.object({ kind: z.enum(['queue', 'provider', 'schedule']), name: z.string() }),
  },
  initial: { changes: 0 },
  fold: ({ changes }) => ({ changes: changes + 1 }),
  retain: { events: 200 },
})
