import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { runStream } from '@holdfast/protocol/runs'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Database, type Write, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { tell } from './journal.ts'
import type { Run, RunDefinition } from './run.ts'
import type { NewRun, RunStore } from './run-store.ts'

export interface StartOptions {
  /** Given where the caller needs to know it beforehand. */
  id?: string
  serialKey?: string
  /** Of all runs of the kind only one has it. */
  dedupeKey?: string
  /** Tries that run again; `reuse` (default true): with its finished steps. */
  retryOf?: Run
  reuse?: boolean
  /** CONFLICT where it is tried again already. */
  once?: boolean
  /** Committed with the run: both or neither. */
  writes?: readonly Write[]
  queue?: string
  priority?: number
  /** Not before that much time has passed. */
  delayMs?: number
  /** Not before that moment, in Unix milliseconds. */
  dueAt?: number
  parentId?: string
  scheduleId?: string
}

/** What is stored of a kind: of one that nobody defined, as good as it can be told. */
export interface StartedKind {
  name: string
  version: number
  stream?: (input: never, id: string) => string
  queue?: string
  quietMs?: number
  isOutside?: boolean
}

export interface RunStarterOptions {
  db: Database
  log: StreamLog
  store: RunStore
  newId: () => string
  leaseMs: number
  /** Queued: it may be due. */
  onQueued: (run: Run) => void
}

const QUIET_MS = 60_000
// A month; what is further away is a matter of schedules.
const DELAY_MAX_MS = 366 * 24 * 3_600_000
const PRIORITY_MOST = 86_400

/** Puts runs into the store. */
export class RunStarter {
  readonly #options: RunStarterOptions

  constructor(options: RunStarterOptions) {
    this.#options = options
  }

  /**
   * Queues a run; `created` is false where there was one with its dedupe key. When this resolves it is on disk. CONFLICT
   * where that has another input, or the run that is tried again has been tried again already.
   */
  async start<Input>(
    kind: StartedKind | RunDefinition<Input>,
    input: Input,
    options: StartOptions,
  ): Promise<{ run: Run<Input>; created: boolean }> {
    const { run, writes, committed } = this.prepare(kind as StartedKind, input, options)
    try {
      const result = await this.#options.db.commit(writes)
      const row = result[0]?.[0]?.[0]
      const stored = { ...run, createdAt: Number(row?.created_at), dueAt: Number(row?.due_at) }
      committed()
      return { run: stored as Run<Input>, created: true }
    } catch (error) {
      const known = await this.#known(run, error)
      if (!known) throw error
      return { run: known.run as Run<Input>, created: known.created }
    }
  }

  /** What a start is made of: for a commit of the caller's, who says when it is done. */
  prepare(
    kind: StartedKind,
    input: unknown,
    options: StartOptions,
  ): { run: Run; writes: Write[]; committed: () => void } {
    const { log, store, newId, leaseMs, onQueued } = this.#options
    const id = options.id ?? newId()
    const { retryOf, reuse = true } = options
    const run: NewRun = {
      ...unborn,
      id,
      name: kind.name,
      version: kind.version,
      input,
      stream: kind.stream?.(input as never, id) ?? runStream.name({ id }),
      queue: options.queue ?? kind.queue ?? kind.name,
      priority: priorityOf(options.priority ?? 0),
      serialKey: options.serialKey ?? null,
      dedupeKey: options.dedupeKey ?? null,
      retryOf: retryOf?.id ?? null,
      rootId: retryOf && reuse ? retryOf.rootId : id,
      parentId: options.parentId ?? null,
      scheduleId: options.scheduleId ?? null,
      dueAt: options.dueAt ?? 0,
      delayMs: options.dueAt === undefined ? delayOf(options.delayMs ?? 0) : null,
      leaseMs,
      quietMs: kind.quietMs ?? QUIET_MS,
      isOutside: kind.isOutside ?? false,
    }
    const { queue, priority, parentId } = run
    const told = tell(log, id, {
      type: 'queued',
      name: run.name,
      version: run.version,
      queue,
      priority,
      ...(run.retryOf === null ? {} : { retryOf: run.retryOf }),
      ...(parentId === null ? {} : { parent: parentId }),
    })
    const story = run.stream === runStream.name({ id }) ? [] : [log.create(run.stream)]
    const retried = retryOf ? [write(store.retried(retryOf, id, options.once ?? false))] : []
    const writes = [store.insert(run), ...retried, told, ...story, ...(options.writes ?? [])]
    const { delayMs: _, ...stored } = run
    return {
      run: stored,
      writes,
      committed: () => {
        onQueued(stored)
        void store.moveUp(run.serialKey).then((moved) => moved && onQueued(stored))
      },
    }
  }

  /** What had been made by a commit that failed: by another start of the same key, or by this one unbeknown. */
  async #known(run: Run, error: unknown): Promise<{ run: Run; created: boolean } | null> {
    const { store, onQueued } = this.#options
    if (isHoldfastError(error, 'OUTCOME_UNKNOWN')) {
      const made = await store.get(run.id).catch(() => null)
      if (made) onQueued(made)
      return made && { run: made, created: true }
    }
    if (!isHoldfastError(error, 'CONFLICT') || run.dedupeKey === null) return null
    const there = await store.byDedupeKey(run.name, run.dedupeKey)
    if (!there) return null
    if (JSON.stringify(there.input) !== JSON.stringify(run.input ?? null)) {
      throw new HoldfastError('CONFLICT', `The run ${there.id} has that key, and another input.`)
    }
    return { run: there, created: false }
  }
}

/** Checks an input against a kind's schema; INVALID_INPUT says which fields are wrong. */
export async function checkInput<Input>(schema: StandardSchemaV1<unknown, Input>, input: unknown): Promise<Input> {
  const checked = await schema['~standard'].validate(input)
  if (!checked.issues) return checked.value
  const errors = checked.issues.map(({ path = [], message }) => ({
    field: ['input', ...path.map((part) => String(typeof part === 'object' ? part.key : part))].join('.'),
    message,
  }))
  throw new HoldfastError('INVALID_INPUT', errors[0]?.message, { errors })
}

/** A priority as it may be stored; INVALID_INPUT for any other. */
export function priorityOf(priority: number): number {
  if (Number.isInteger(priority) && Math.abs(priority) <= PRIORITY_MOST) return priority
  throw fieldError('priority', `A priority is a whole number of seconds, from -${PRIORITY_MOST} to ${PRIORITY_MOST}.`)
}

function delayOf(delayMs: number): number {
  if (delayMs >= 0 && delayMs <= DELAY_MAX_MS) return Math.round(delayMs)
  throw fieldError('delaySeconds', 'A delay is at least nothing and at most 366 days.')
}

function fieldError(field: string, message: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', message, { errors: [{ field, message }] })
}

const unborn = {
  status: 'queued',
  liveness: 'working',
  attempt: 0,
  worker: null,
  retriedBy: null,
  failures: 0,
  progress: null,
  error: null,
  cause: null,
  revision: 0,
  cancelRequestedAt: null,
  pausedAt: null,
  createdAt: 0,
  startedAt: null,
  endedAt: null,
  heardAt: null,
  leaseUntil: null,
} as const
