import { defineStream } from '@holdfast/protocol'
import * as z from 'zod'

/** What the runs of a history are to do. */
export interface WorkAsked {
  id: string
  /** How many, one after the other. */
  steps: number
  /** How long each takes. */
  pauseMs: number
  /** Whether a step goes on to its end although it was told to stop. */
  heedless: boolean
}

/** Where a run tells of itself: each event says which attempt wrote it. */
export const work = defineStream('work/:id', {
  version: 1,
  events: {
    began: z.object({ attempt: z.number() }),
    did: z.object({ attempt: z.number(), step: z.number() }),
    ended: z.object({ attempt: z.number(), status: z.string() }),
  },
  initial: { count: 0 },
  fold: ({ count }) => ({ count: count + 1 }),
  terminal: ['ended'],
})

/** A run as its store has it after everything. */
export interface WorkFound {
  status: string
  /** Why it failed, where it did. */
  error: string | null
  /** Its rows in the table of what was worked, in the order of the steps. */
  rows: readonly { step: number; attempt: number }[]
  /** What its server says of its attempts, in their order. */
  attempts: readonly { attempt: number; outcome: string }[]
  /** What its server remembers of its steps. */
  steps: readonly { key: string; status: string; attempt: number }[]
  /** How often the outside is to be told that it ended. */
  outbox: number
}
