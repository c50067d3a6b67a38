import * as z from 'zod/mini'

/**
 * Words of work that outlives its process, as everybody sees it who waits for it: the states of a run, what it waits
 * for, how far it is. What the server answers under `/api/runs` and what a run's stream tells are made of these.
 */

/**
 * How a run stands, decided by the server (`packages/server/src/runs/lifecycle.ts` says when). The last three end it.
 *
 * - `queued`: it may begin as soon as there is room.
 * - `working`: an attempt is at it and has lately given a sign of life.
 * - `quiet`, `stalled`: no sign of life for long, for very long.
 * - `lost`: its worker's lease has ended; it goes on as soon as another worker takes it.
 * - `waiting`: it waits for something that is not a worker; `waits` says for what.
 */
export const RunStatus = z.enum([
  'queued',
  'working',
  'quiet',
  'stalled',
  'lost',
  'waiting',
  'done',
  'failed',
  'cancelled',
])
export type RunStatus = z.infer<typeof RunStatus>

export const RUN_STATUSES = RunStatus.options

/** Whether a run that stands so has ended. */
export function hasEnded(status: RunStatus): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled'
}

/** What went wrong. `code` is stable and upper case; `retryAfter` are seconds. */
export const RunFault = z.object({
  code: z.string(),
  message: z.string(),
  retryAfter: z.optional(z.number()),
})
export type RunFault = z.infer<typeof RunFault>

const time = z.string()

/** What a waiting run waits for; several at once where its code does several things side by side. */
export const RunWait = z.discriminatedUnion('kind', [
  /** A word from outside. `approval` is answered by approve and reject; `question` is what people are asked. */
  z.object({ kind: z.literal('event'), name: z.string(), question: z.optional(z.string()), until: z.optional(time) }),
  z.object({ kind: z.literal('sleep'), name: z.string(), until: time }),
  /** The next try, of the step `name` or, with an empty name, of the whole run. */
  z.object({ kind: z.literal('retry'), name: z.string(), until: time, error: RunFault }),
  /** A free place at the provider `name`. */
  z.object({ kind: z.literal('provider'), name: z.string() }),
  /** The end of the run `name`, which it started. */
  z.object({ kind: z.literal('child'), name: z.string() }),
  /** Nobody knows whether the step `name` had its effect on the world: a person decides. */
  z.object({ kind: z.literal('decision'), name: z.string() }),
  /** A person paused it. */
  z.object({ kind: z.literal('paused') }),
  /** No server knows this version of its kind. */
  z.object({ kind: z.literal('version') }),
  /** It took its server down again and again, and is not tried any more by itself. */
  z.object({ kind: z.literal('parked'), error: RunFault }),
])
export type RunWait = z.infer<typeof RunWait>

/** Seconds that remain: the estimate, and the bounds it most likely stays between. */
export const TimeLeft = z.object({ seconds: z.number(), low: z.number(), high: z.number() })
export type TimeLeft = z.infer<typeof TimeLeft>

/** How far a run is. */
export const RunProgress = z.object({
  /** 0 to 100, over all phases by their weights. Never falls, whatever becomes of attempts and totals. */
  percent: z.number().check(z.gte(0), z.lte(100)),
  /** The phase it is in, of those its definition names; `null` where it names none. */
  phase: z.nullable(z.string()),
  /** Of this phase, counted in `unit`. `total` is `null` as long as nobody knows. */
  done: z.number(),
  total: z.nullable(z.number()),
  unit: z.nullable(z.string()),
  /** `unit`s a second, lately; `null` as long as there is nothing to tell it from. */
  rate: z.nullable(z.number()),
  /** Of the whole run; `null` where no honest estimate can be made. */
  left: z.nullable(TimeLeft),
  message: z.nullable(z.string()),
})
export type RunProgress = z.infer<typeof RunProgress>

/** What a step does to the world: one that is `unsafe` is never repeated by itself. */
export const Effect = z.enum(['idempotent', 'unsafe'])
export type Effect = z.infer<typeof Effect>

/** How a step stands. `failed`: its last try failed, another may follow. `unknown`: a person decides. */
export const StepStatus = z.enum(['working', 'done', 'failed', 'unknown'])
export type StepStatus = z.infer<typeof StepStatus>
