import { type Dialect, type Statement, statement } from '../db/database.ts'

const INSERT_ONE = 'INSERT INTO events (stream_id, seq, data) SELECT id, tail, ? FROM streams WHERE name = ?'

// The texts travel as one JSON array of strings: any number of events is one parameter, and each comes out exact.
const INSERT_MANY = {
  sqlite: `INSERT INTO events (stream_id, seq, data)
    SELECT s.id, s.tail - ? + 1 + e.key, e.value FROM streams s, json_each(?) e WHERE s.name = ?`,
  postgres: `INSERT INTO events (stream_id, seq, data)
    SELECT s.id, s.tail - CAST(? AS BIGINT) + e.ordinality, e.value
    FROM streams s, json_array_elements_text(CAST(? AS JSON)) WITH ORDINALITY e WHERE s.name = ?`,
} as const

/** Stores `texts` as the last events of a stream whose tail has been moved already. */
export function insertEvents(dialect: Dialect, stream: string, texts: readonly string[]): Statement {
  if (texts.length === 1) return statement(INSERT_ONE, [texts[0] ?? '', stream])
  return statement(INSERT_MANY[dialect], [texts.length, JSON.stringify(texts), stream])
}

/** What they weigh, as retention counts it. */
export function bytesOf(texts: readonly string[]): number {
  let bytes = 0
  for (const text of texts) bytes += Buffer.byteLength(text)
  return bytes
}
