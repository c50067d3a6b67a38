import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { BatchAction, BatchView } from '@holdfast/protocol/runs'
import * as z from 'zod'
import type { Database, Statement, Write } from '../db/database.ts'
import { write } from '../db/database.ts'
import { applyItem, type BatchItem, itemsOf, markItems } from './batch-items.ts'
import { statusOf } from './lifecycle.ts'
import { allOf, joined, matching, type RunFilter } from './queries/run-filter.ts'
import { kindsNamed } from './queries/run-kinds.ts'
import { iso } from './queries/summary-rows.ts'
import { defineRun, type Liveness, type RunContext, type RunDefinition, type StoredStatus } from './run.ts'
import type { RunCommands } from './run-commands.ts'
import type { StartOptions } from './run-starter.ts'
import { list, type Sql, sql } from './sql.ts'
import { storeTime } from './store-time.ts'

export const BATCH = 'batch'

export interface BatchRequest {
  action: BatchAction
  /** Of the action `priority`: what they are to have. */
  priority?: number
  filter: RunFilter
  /** How many runs that is, as whoever asks has seen it: CONFLICT with the count where it is another. */
  expected?: number
}

/** Who asks, and under which id: the same one twice is one batch. */
export interface BatchGiven {
  id?: string
  by: string
}

/** What is used of a RunEngine. */
export interface BatchRuns {
  readonly commands: RunCommands
  start<Input>(definition: RunDefinition<Input>, input: Input, options: StartOptions): Promise<{ id: string }>
}

export interface BatchesOptions {
  db: Database
  clock: { now(): number }
  runs: BatchRuns
  newId: () => string
}

interface BatchInput {
  /** Whose items they are: that of the first of its line, where it was tried again. */
  batch: string
}

export interface BatchRow {
  id: string
  action: BatchAction
  priority: number | null
  undo_of: string | null
  by_id: string
  count: number
  done: number
  skipped: number
  created_at: number
}

// More than that is narrowed by a filter first.
const RUNS_MOST = 100_000
// Done side by side, remembered together.
const CHUNK = 100

const OPPOSITE: Partial<Record<BatchAction, BatchAction>> = { pause: 'resume', resume: 'pause', priority: 'priority' }

/**
 * Actions on many runs. Each is a run of the kind `batch`: which runs it is about is fixed in the commit that starts it; it
 * goes through them in chunks, a command each under an id of its own, so that after a crash none is given twice.
 */
export class Batches {
  readonly definition: RunDefinition<BatchInput>
  readonly #options: BatchesOptions
  readonly #now: () => Sql

  constructor(options: BatchesOptions) {
    this.#options = options
    this.#now = storeTime(options.db, options.clock)
    this.definition = defineRun<BatchInput>({
      name: BATCH,
      version: 1,
      input: z.object({ batch: z.string() }),
      retry: { attempts: 3 },
      run: (context) => this.#work(context),
    })
  }

  /** Throws CONFLICT where `expected` is not the count any more, with that as `current`; TOO_LARGE beyond 100,000 runs. */
  async start({ action, priority, filter, expected }: BatchRequest, given: BatchGiven): Promise<BatchView> {
    const { db, newId } = this.#options
    const id = newId()
    const named = await kindsNamed(db, filter.search)
    const { branches, rest } = matching(filter, { dialect: db.dialect, named })
    const parts = branches.map((branch) => sql`SELECT id, priority FROM runs WHERE ${allOf([branch, rest])}`)
    const meant = parts.length > 0 ? joined(parts, ' UNION ') : sql`SELECT id, priority FROM runs WHERE 1 = 0`
    const row = { id, action, priority: priority ?? null, undoOf: null, by: given.by }
    const counted = expected === undefined ? [] : [countIs(id, expected)]
    try {
      const made = await this.#start(
        row,
        sql`SELECT id, priority FROM (${meant}) m WHERE id <> ${id}`,
        counted,
        given.id,
      )
      return this.get(made)
    } catch (error) {
      if (expected === undefined || !isHoldfastError(error, 'CONFLICT')) throw error
      const count = await this.#count(meant)
      // It was something else that did not fit.
      if (count === expected) throw error
      const now = `${count} runs now, not ${expected}`
      throw new HoldfastError('CONFLICT', `The filter means ${now}.`, { cause: error, current: { count } })
    }
  }

  /** NOT_FOUND. */
  async get(id: string): Promise<BatchView> {
    const batch = await this.#row(id)
    const [run] = await this.#options.db.read<{ status: StoredStatus; liveness: Liveness }>(sql`
      SELECT status, liveness FROM runs WHERE root_id = ${id} ORDER BY created_at DESC LIMIT 1`)
    const [undone] = await this.#options.db.read<{ id: string }>(sql`SELECT id FROM run_batches WHERE undo_of = ${id}`)
    return {
      id,
      action: batch.action,
      count: batch.count,
      done: batch.done,
      skipped: batch.skipped,
      status: run ? statusOf(run) : 'queued',
      undoable: OPPOSITE[batch.action] !== undefined && undone === undefined,
      undoOf: batch.undo_of,
      createdAt: iso(batch.created_at),
    }
  }

  /**
   * Takes a batch back, as far as it was done: what is left of it is cancelled, and behind it goes another batch over the
   * same runs. Asked for again it is the same. CONFLICT for what cannot be taken back: cancelled and retried runs.
   */
  async undo(id: string, { by }: Pick<BatchGiven, 'by'>): Promise<BatchView> {
    const { db, newId, runs } = this.#options
    const batch = await this.#row(id)
    const action = OPPOSITE[batch.action]
    if (!action) throw new HoldfastError('CONFLICT', `A batch of the action ${batch.action} cannot be taken back.`)
    const [known] = await db.read<{ id: string }>(sql`SELECT id FROM run_batches WHERE undo_of = ${id}`)
    if (known) return this.get(known.id)
    await runs.commands.cancel(id, { id: newId(), by }).catch((error) => {
      if (!isHoldfastError(error, 'ALREADY_ENDED')) throw error
    })
    const row = { id: newId(), action, priority: null, undoOf: id, by }
    const items = sql`
      SELECT r.id, r.priority FROM run_batch_items i JOIN runs r ON r.id = i.run_id
      WHERE i.batch_id = ${id} AND (i.outcome IS NULL OR i.outcome = 'done')`
    return this.get(await this.#start(row, items, [], `undo:${id}`))
  }

  /** Commits the batch, its items and its run; answers its id: that of the one there was, of the same key. */
  async #start(
    {
      id,
      action,
      priority,
      undoOf,
      by,
    }: { id: string; action: string; priority: number | null; undoOf: string | null; by: string },
    items: Sql,
    checks: Statement[],
    key: string | undefined,
  ): Promise<string> {
    const values = list([id, action, priority, undoOf, by])
    const writes: Write[] = [
      write(
        sql`INSERT INTO run_batches (id, action, priority, undo_of, by_id, created_at) VALUES (${values}, ${this.#now()})`,
        sql`INSERT INTO run_batch_items (batch_id, run_id, before)
          SELECT CAST(${id} AS TEXT), i.id, i.priority FROM (${items}) i LIMIT ${RUNS_MOST + 1}`,
        sql`UPDATE run_batches SET count = (SELECT COUNT(*) FROM run_batch_items WHERE batch_id = ${id}) WHERE id = ${id}`,
        isNotTooMany(id),
        ...checks,
      ),
    ]
    const input = { batch: id }
    // What takes a batch back goes behind it.
    const serialKey = (undoOf === null ? null : await this.#serialKeyOf(undoOf)) ?? `${BATCH}:${id}`
    const known = key === undefined ? null : await this.#byKey(key)
    if (known !== null) return known
    const dedupe = key === undefined ? {} : { dedupeKey: key }
    try {
      return (await this.#options.runs.start(this.definition, input, { id, serialKey, writes, ...dedupe })).id
    } catch (error) {
      // The same was asked for at the same moment.
      const other = key === undefined ? null : await this.#byKey(key)
      if (other !== null) return other
      throw error
    }
  }

  async #serialKeyOf(id: string): Promise<string | null> {
    const [row] = await this.#options.db.read<{ serial_key: string | null }>(sql`
      SELECT serial_key FROM runs WHERE id = ${id}`)
    return row?.serial_key ?? null
  }

  async #byKey(key: string): Promise<string | null> {
    const [row] = await this.#options.db.read<{ id: string }>(sql`
      SELECT id FROM runs WHERE name = ${BATCH} AND dedupe_key = ${key}`)
    return row?.id ?? null
  }

  async #count(meant: Sql): Promise<number> {
    const [row] = await this.#options.db.read<{ count: number }>(sql`
      SELECT COUNT(*) AS count FROM (SELECT id FROM (${meant}) m LIMIT ${RUNS_MOST + 1}) c`)
    return row?.count ?? 0
  }

  async #row(id: string): Promise<BatchRow> {
    const [row] = await this.#options.db.read<BatchRow>(sql`
      SELECT id, action, priority, undo_of, by_id, count, done, skipped, created_at FROM run_batches WHERE id = ${id}`)
    if (!row) throw new HoldfastError('NOT_FOUND', `There is no batch "${id.slice(0, 100)}".`)
    return row
  }

  /** Chunk by chunk, each remembered; of all its runs only those of one chunk are held. */
  async #work(context: RunContext<BatchInput>): Promise<{ done: number; skipped: number }> {
    const { db } = this.#options
    const batch = await this.#row(context.input.batch)
    const sum = { done: 0, skipped: 0 }
    context.progress({ done: 0, total: batch.count, unit: 'runs' })
    for (let after = ''; ; ) {
      const items = await itemsOf(db, batch, after, CHUNK)
      const last = items.at(-1)
      if (!last) return sum
      const { done, skipped } = await context.step(`runs behind ${after || 'the start'}`, async ({ write, signal }) => {
        const made = await this.#apply(batch, items, signal)
        write(markItems(batch, made))
        return { done: made.done.length, skipped: made.skipped.length }
      })
      sum.done += done
      sum.skipped += skipped
      context.progress({ done: sum.done + sum.skipped, total: batch.count, unit: 'runs' })
      after = last.runId
    }
  }

  async #apply(batch: BatchRow, items: readonly BatchItem[], signal: AbortSignal) {
    const outcomes = await Promise.all(
      items.map(async (item) => {
        signal.throwIfAborted()
        return [item.runId, await applyItem(this.#options.runs.commands, batch, item)] as const
      }),
    )
    const of = (wanted: 'done' | 'skipped') => outcomes.flatMap(([id, outcome]) => (outcome === wanted ? [id] : []))
    return { done: of('done'), skipped: of('skipped') }
  }
}

function countIs(id: string, expected: number): Statement {
  return {
    ...sql`SELECT 1 AS one FROM run_batches WHERE id = ${id} AND count = ${expected}`,
    expect: { rows: 1, otherwise: 'CONFLICT', detail: 'The filter means another number of runs by now.' },
  }
}

function isNotTooMany(id: string): Statement {
  return {
    ...sql`SELECT 1 AS one FROM run_batches WHERE id = ${id} AND count <= ${RUNS_MOST}`,
    expect: {
      rows: 1,
      otherwise: 'TOO_LARGE',
      detail: `A batch is about at most ${RUNS_MOST} runs: narrow the filter.`,
    },
  }
}
