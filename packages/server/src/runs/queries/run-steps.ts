import type { Effect, Paged, StepStatus, StepView } from '@holdfast/protocol/runs'
import type { Database } from '../../db/database.ts'
import { sql } from '../sql.ts'
import { cursorOf, parseCursor } from './run-order.ts'
import { faultOf, iso, isoOrNull } from './summary-rows.ts'

interface StepRow {
  run_id: string
  step_key: string
  status: StepStatus
  effect: Effect
  provider: string | null
  attempt: number
  tries: number
  started_at: number
  ended_at: number | null
  error: string | null
  retry_at: number | null
  output: string | null
}

// Characters of a result that are shown.
const OUTPUT_MOST = 2_000
const LIST = 'steps'

/**
 * The steps of a run, the one that began first before the others: its own, and those that earlier runs of its line had
 * finished and it does not do anew. What the engine remembers for itself (a time, a word that was taken) is no step.
 */
export async function stepsOf(
  db: Database,
  id: string,
  { limit, cursor }: { limit: number; cursor: string | null },
): Promise<Paged<StepView>> {
  const from = parseCursor(cursor, LIST, 1)
  const rows = await db.read<StepRow>(sql`
    SELECT s.run_id, s.step_key, s.status, s.effect, s.provider, s.attempt, s.tries, s.started_at, s.ended_at, s.error,
      s.retry_at, SUBSTR(s.output, 1, ${OUTPUT_MOST}) AS output
    FROM run_steps s WHERE (s.run_id = ${id} OR s.run_id IN (${earlier(id)}) AND s.status = 'done'
        AND NOT EXISTS (SELECT 1 FROM run_steps o WHERE o.run_id = ${id} AND o.step_key = s.step_key)
        AND NOT EXISTS (SELECT 1 FROM run_steps o WHERE o.root_id = s.root_id AND o.step_key = s.step_key
          AND o.status = 'done' AND o.run_id IN (${earlier(id)})
          AND (o.ended_at, o.run_id) > (s.ended_at, s.run_id)))
      AND s.input_hash <> '' AND (s.started_at, s.step_key) > (${from?.value ?? -1}, ${from?.id ?? ''})
    ORDER BY s.started_at, s.step_key LIMIT ${limit + 1}`)
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const isMore = rows.length > limit && last !== undefined
  return {
    items: items.map((row) => toStepView(row, id)),
    nextCursor: isMore ? cursorOf(LIST, { stretch: 0, value: last.started_at, id: last.step_key }) : null,
  }
}

/** The runs whose finished steps a run finds: those of its line from before it that had the same input. */
function earlier(id: string) {
  return sql`SELECT e.id FROM runs r JOIN runs e ON e.root_id = r.root_id
    WHERE r.id = ${id} AND (e.created_at, e.id) < (r.created_at, r.id) AND e.input = r.input`
}

function toStepView(row: StepRow, id: string): StepView {
  return {
    key: row.step_key,
    status: row.status,
    effect: row.effect,
    provider: row.provider,
    runId: row.run_id,
    reused: row.run_id !== id,
    attempt: row.attempt,
    tries: row.tries,
    startedAt: iso(row.started_at),
    endedAt: isoOrNull(row.ended_at),
    error: row.error === null ? null : faultOf(JSON.parse(row.error)),
    retryAt: isoOrNull(row.retry_at),
    output: row.output,
  }
}
