import { Readable } from 'node:stream'
import type { FileView, IngestionView } from './view.ts'

export type ExportFormat = 'csv' | 'json'

/** A column: its name, and what stands in it for a row. */
type Columns<Row> = Record<string, (row: Row) => string | number | null>

/**
 * Rows as one document, a batch at a time as fast as it is read: memory does not grow with their number. CSV is as
 * RFC 4180 has it, with a byte order mark, which spreadsheets want; JSON is an array of the rows' views.
 */
export function exportDocument<Row>(
  format: ExportFormat,
  columns: Columns<Row>,
  batches: AsyncIterable<readonly Row[]>,
): Readable {
  // One batch is read ahead, no more.
  const options = { objectMode: false, highWaterMark: 1 }
  return Readable.from(format === 'csv' ? csv(columns, batches) : json(batches), options)
}

async function* csv<Row>(columns: Columns<Row>, batches: AsyncIterable<readonly Row[]>): AsyncGenerator<Buffer> {
  yield Buffer.from(`\ufeff${Object.keys(columns).join(',')}\r\n`)
  const cells = Object.values(columns)
  for await (const rows of batches) {
    yield Buffer.from(rows.map((row) => `${cells.map((cell) => csvCell(cell(row))).join(',')}\r\n`).join(''))
  }
}

async function* json<Row>(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<Buffer> {
  let joint = '[\n'
  for await (const rows of batches) {
    const text = rows.map((row) => JSON.stringify(row)).join(',\n')
    if (text === '') continue
    yield Buffer.from(`${joint}${text}`)
    joint = ',\n'
  }
  yield Buffer.from(joint === '[\n' ? '[]\n' : '\n]\n')
}

/**
 * A cell. What a spreadsheet would take for a formula, also in a name that somebody else gave a file, begins with an
 * apostrophe: then it is text.
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = /^[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(value) ? `'${value}` : value
  // Where a comma parts whole numbers from fractions, spreadsheets part cells at a semicolon, or a tab.
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const FILE_COLUMNS: Columns<FileView> = {
  path: ({ path }) => path,
  type: ({ type }) => type,
  size: ({ size }) => size,
  status: ({ status }) => status,
  code: ({ code }) => code,
  reason: ({ reason }) => reason,
  pages: ({ pages }) => pages,
  passages: ({ chunks }) => chunks,
  updated_at: ({ updatedAt }) => updatedAt,
  ingestion_id: ({ ingestionId }) => ingestionId,
  file_id: ({ id }) => id,
}

export const INGESTION_COLUMNS: Columns<IngestionView> = {
  ingestion_id: ({ ingestionId }) => ingestionId,
  source_kind: ({ source }) => source.kind,
  source: ({ source }) => source.label,
  status: ({ status }) => status,
  phase: ({ currentPhase }) => currentPhase,
  percent: ({ progressPercent }) => progressPercent,
  files: ({ result, metrics }) => result?.files.total ?? metrics?.filesTotal ?? null,
  done: ({ result, metrics }) => result?.files.done ?? metrics?.filesDone ?? null,
  failed: ({ result, metrics }) => result?.files.failed ?? metrics?.filesFailed ?? null,
  skipped: ({ result, metrics }) => result?.files.skipped ?? metrics?.filesSkipped ?? null,
  passages: ({ result, metrics }) => result?.chunks ?? metrics?.chunks ?? null,
  bytes: ({ result, metrics }) => result?.bytes ?? metrics?.bytesDone ?? null,
  seconds: ({ result }) => result?.seconds ?? null,
  error_code: ({ error }) => error?.errorCode ?? null,
  error: ({ error }) => error?.message ?? null,
  retry_of: ({ retryOf }) => retryOf,
  created_at: ({ createdAt }) => createdAt,
  started_at: ({ startedAt }) => startedAt,
  completed_at: ({ completedAt }) => completedAt,
}
