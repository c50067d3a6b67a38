import { isHoldfastError } from '@holdfast/protocol'
import type { Database, Write } from '../db/database.ts'
import { write } from '../db/database.ts'
import type { BatchRow } from './batches.ts'
import type { RunCommands } from './run-commands.ts'
import { list, sql } from './sql.ts'

/** A run that a batch is about, as it stands. */
export interface BatchItem {
  runId: string
  /** What the batch is to set it to, where it sets priorities. */
  target: number | null
  /** Whether the batch it takes back was done with it; `null` where it takes none back. */
  wasDone: boolean | null
  /** Its command was given already, by an attempt that did not come to write that down. */
  isGiven: boolean
  isPaused: boolean
  priority: number
  /** What the batch it takes back had set, where that was one priority for all. */
  wasSetTo: number | null
}

interface ItemRow {
  run_id: string
  target: number | null
  was_done: number
  was_set_to: number | null
  given: number
  paused: number
  priority: number
}

/** The next ones of a batch, by their ids. */
export async function itemsOf(db: Database, batch: BatchRow, after: string, most: number): Promise<BatchItem[]> {
  const { id, undo_of } = batch
  const rows = await db.read<ItemRow>(sql`
    SELECT i.run_id, COALESCE(o.before, b.priority) AS target, u.priority AS was_set_to,
      CASE WHEN o.outcome = 'done' OR (o.outcome IS NULL AND p.id IS NOT NULL) THEN 1 ELSE 0 END AS was_done,
      CASE WHEN c.id IS NULL THEN 0 ELSE 1 END AS given,
      CASE WHEN r.paused_at IS NOT NULL OR EXISTS (SELECT 1 FROM run_waits w WHERE w.run_id = r.id
        AND w.kind IN ('paused', 'parked')) THEN 1 ELSE 0 END AS paused, COALESCE(r.priority, 0) AS priority
    FROM run_batch_items i JOIN run_batches b ON b.id = i.batch_id
    LEFT JOIN run_batches u ON u.id = b.undo_of
    LEFT JOIN run_batch_items o ON o.batch_id = b.undo_of AND o.run_id = i.run_id
    LEFT JOIN run_commands p ON p.id = b.undo_of || ':' || i.run_id
    LEFT JOIN run_commands c ON c.id = i.batch_id || ':' || i.run_id
    LEFT JOIN runs r ON r.id = i.run_id
    WHERE i.batch_id = ${id} AND i.run_id > ${after} ORDER BY i.run_id LIMIT ${most}`)
  return rows.map((row) => ({
    runId: row.run_id,
    target: row.target,
    wasDone: undo_of === null ? null : row.was_done === 1,
    wasSetTo: row.was_set_to,
    isGiven: row.given === 1,
    isPaused: row.paused === 1,
    priority: row.priority,
  }))
}

const DOES_NOT_FIT = ['NOT_FOUND', 'ALREADY_ENDED', 'NOT_ENDED', 'CONFLICT', 'CANCELLED'] as const

/** Gives a run its command; `skipped` where it does not fit how the run stands. */
export async function applyItem(commands: RunCommands, batch: BatchRow, item: BatchItem): Promise<'done' | 'skipped'> {
  if (item.isGiven) return 'done'
  if (!fits(batch, item)) return 'skipped'
  const given = { id: `${batch.id}:${item.runId}`, by: batch.by_id }
  try {
    await give(commands, batch, item, given)
    return 'done'
  } catch (error) {
    if (DOES_NOT_FIT.some((code) => isHoldfastError(error, code))) return 'skipped'
    throw error
  }
}

/** Whether it changes anything, and, of what is taken back, only what the batch before did. */
function fits({ action }: BatchRow, { wasDone, wasSetTo, isPaused, priority, target }: BatchItem): boolean {
  if (wasDone === false) return false
  if (action === 'pause') return !isPaused
  if (action === 'resume') return isPaused
  // Somebody has set it otherwise since.
  if (action === 'priority') return priority !== target && (wasSetTo === null || wasSetTo === priority)
  return true
}

async function give(
  commands: RunCommands,
  { action }: BatchRow,
  { runId, target }: BatchItem,
  given: { id: string; by: string },
): Promise<void> {
  switch (action) {
    case 'cancel':
      return commands.cancel(runId, given)
    case 'pause':
      return commands.pause(runId, given)
    case 'resume':
      return commands.resume(runId, given)
    case 'retry':
      await commands.retry(runId, { from: 'failed' }, given)
      return
    case 'priority':
      return commands.prioritise(runId, target ?? 0, given)
  }
}

/** Writes down what became of a chunk, with the batch's numbers. */
export function markItems({ id }: BatchRow, { done, skipped }: { done: string[]; skipped: string[] }): Write {
  const mark = (outcome: string, ids: readonly string[]) =>
    ids.length === 0
      ? []
      : [sql`UPDATE run_batch_items SET outcome = ${outcome} WHERE batch_id = ${id} AND run_id IN (${list(ids)})`]
  return write(
    ...mark('done', done),
    ...mark('skipped', skipped),
    sql`UPDATE run_batches SET done = done + ${done.length}, skipped = skipped + ${skipped.length} WHERE id = ${id}`,
  )
}
