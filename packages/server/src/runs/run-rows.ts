import type { Row } from '../db/database.ts'
import type { Run } from './run.ts'
import { text } from './sql.ts'

interface RunRow {
  id: string
  name: string
  version: number
  input: string
  status: Run['status']
  stream: string
  attempt: number
  serial_key: string | null
  retry_of: string | null
  root_id: string
  cancel_requested_at: number | null
  created_at: number
  started_at: number | null
  ended_at: number | null
}

/** The columns a run is made of. */
export const COLUMNS = text(`id, name, version, input, status, stream, attempt, serial_key, retry_of, root_id,
  cancel_requested_at, created_at, started_at, ended_at`)

export function toRun(given: Row): Run {
  const row = given as unknown as RunRow
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    input: JSON.parse(row.input),
    status: row.status,
    stream: row.stream,
    attempt: row.attempt,
    serialKey: row.serial_key,
    retryOf: row.retry_of,
    rootId: row.root_id,
    cancelRequestedAt: row.cancel_requested_at,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}
