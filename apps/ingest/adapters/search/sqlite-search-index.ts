import { type Database, statement, type Write, write } from '@holdfast/server'
import { openSqliteDatabase } from '@holdfast/server/sqlite'
import type { IndexedChunk, SearchHit, SearchIndex } from '../../ports.ts'
import { ftsQuery, parseQuery } from './search-query.ts'

// Marks around a match, which no text holds: they are taken out of what is indexed.
const OPEN = '\u0001'
const CLOSE = '\u0002'
const MARKS = new RegExp(`([${OPEN}${CLOSE}])`)

const SCHEMA = [
  // Which passages a file has, since an FTS5 table finds by words only.
  'CREATE TABLE IF NOT EXISTS places (id INTEGER PRIMARY KEY, file_id TEXT NOT NULL)',
  'CREATE INDEX IF NOT EXISTS places_of_file ON places (file_id)',
  `CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5(project, heading, text,
     tokenize = 'porter unicode61 remove_diacritics 2')`,
]

const PUT_PLACES = `INSERT OR REPLACE INTO places (id, file_id) SELECT c.value ->> 'id', ? FROM json_each(?) c`
const PUT_PASSAGES = `INSERT OR REPLACE INTO passages (rowid, project, heading, text)
  SELECT c.value ->> 'id', ?, c.value ->> 'heading', c.value ->> 'text' FROM json_each(?) c`
const REMOVE_PASSAGES = 'DELETE FROM passages WHERE rowid IN (SELECT id FROM places WHERE file_id = ?)'

// A word in the heading weighs as much as four in the text; the project is a filter and weighs nothing.
const SEARCH = `SELECT rowid AS id, bm25(passages, 0.0, 4.0, 1.0) AS rank,
    highlight(passages, 2, '${OPEN}', '${CLOSE}') AS marked
  FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ? OFFSET ?`

/**
 * SQLite's FTS5 in a file of its own, with its own writer, so that indexing never holds up the log. A power cut may
 * lose its last commits; it is built again from the passages then. Source: sqlite.org/fts5.html
 */
export async function openSqliteSearchIndex(options: {
  path: string
  onFatal: (error: Error) => void
}): Promise<SearchIndex> {
  const db = await openSqliteDatabase({ ...options, durability: 'normal' })
  await db.commit([write(...SCHEMA.map((sql) => statement(sql)))])
  return new SqliteSearchIndex(db)
}

class SqliteSearchIndex implements SearchIndex {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async put(projectId: string, fileId: string, chunks: IndexedChunk[]): Promise<void> {
    const rows = chunks.map(({ id, path, text }) => ({ id, heading: plain(path.join(' ')), text: plain(text) }))
    const json = JSON.stringify(rows)
    const places = statement(PUT_PLACES, [fileId, json])
    await this.#db.commit([write(places, statement(PUT_PASSAGES, [projectToken(projectId), json]))])
  }

  async remove(_projectId: string, fileId: string): Promise<void> {
    const removal: Write = write(
      statement(REMOVE_PASSAGES, [fileId]),
      statement('DELETE FROM places WHERE file_id = ?', [fileId]),
    )
    await this.#db.commit([removal])
  }

  async search(projectId: string, query: string, { limit, offset }: { limit: number; offset: number }) {
    const terms = parseQuery(query)
    if (terms.length === 0) return []
    const allTerms = ftsQuery(terms, 'AND', 'heading text')
    const all = await this.#hits(projectId, allTerms, limit, offset)
    if (all.length > 0 || terms.length === 1) return all
    // An empty page behind others is the end of them, not a reason to search for less.
    if (offset > 0 && (await this.#hits(projectId, allTerms, 1, 0)).length > 0) return all
    return this.#hits(projectId, ftsQuery(terms, 'OR', 'heading text'), limit, offset)
  }

  async size(): Promise<number> {
    const [row] = await this.#db.read<{ n: number }>(statement('SELECT COUNT(*) AS n FROM places'))
    return row?.n ?? 0
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  async #hits(projectId: string, match: string, limit: number, offset: number): Promise<SearchHit[]> {
    const inProject = `project : "${projectToken(projectId)}" AND ${match}`
    const rows = await this.#db.read<{ id: number; rank: number; marked: string }>(
      statement(SEARCH, [inProject, limit, offset]),
    )
    return rows.map(({ id, rank, marked }) => ({ chunkId: id, score: -rank, highlights: spans(marked) }))
  }
}

/** One word for the tokenizer, whatever the id holds. */
function projectToken(id: string): string {
  return `p${Buffer.from(id).toString('hex')}`
}

// Replaced by a space of the same length: positions in the passage stay what they are.
function plain(text: string): string {
  return text.replaceAll(OPEN, ' ').replaceAll(CLOSE, ' ').replaceAll('\u0000', ' ')
}

function spans(marked: string): [number, number][] {
  const found: [number, number][] = []
  let position = 0
  let start = 0
  for (const part of marked.split(MARKS)) {
    if (part === OPEN) start = position
    else if (part === CLOSE) found.push([start, position])
    else position += part.length
  }
  return found
}
