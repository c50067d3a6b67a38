import { rm } from 'node:fs/promises'
import { type Database, statement, type Write, write } from '@holdfast/server'
import { openSqliteDatabase } from '@holdfast/server/sqlite'
import type { Extent, IndexedChunk, SearchHit, SearchIndex } from '../../ports.ts'
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

const EXTENTS = `SELECT file_id, COUNT(*) AS passages, MIN(id) AS first, MAX(id) AS last
  FROM places WHERE file_id IN (SELECT f.value FROM json_each(?) f) GROUP BY file_id`

// Through all places, and to the end of the passages: most damage is met there.
const LOOKS = [
  'SELECT COUNT(*) AS n FROM places',
  "SELECT rowid, text FROM passages WHERE passages MATCH 'a*' LIMIT 1",
  'SELECT rowid, text FROM passages ORDER BY rowid DESC LIMIT 1',
]

// A word in the heading weighs as much as four in the text; the project is a filter and weighs nothing.
const SEARCH = `SELECT rowid AS id, bm25(passages, 0.0, 4.0, 1.0) AS rank,
    highlight(passages, 2, '${OPEN}', '${CLOSE}') AS marked
  FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ? OFFSET ?`

interface SearchIndexOptions {
  path: string
  onFatal: (error: Error) => void
}

/**
 * SQLite's FTS5 in a file of its own, with its own writer, so that indexing never holds up the log. A power cut may
 * lose its last commits; it is built again from the passages then. A file that is damaged is removed, and an empty
 * index takes its place. Source: sqlite.org/fts5.html
 */
export async function openSqliteSearchIndex(options: SearchIndexOptions): Promise<SearchIndex> {
  try {
    return await open(options)
  } catch (error) {
    if (!isDamage(error)) throw error
    for (const ending of ['', '-wal', '-shm']) await rm(`${options.path}${ending}`, { force: true })
    return open(options)
  }
}

async function open(options: SearchIndexOptions): Promise<SearchIndex> {
  const db = await openSqliteDatabase({ ...options, durability: 'normal' })
  try {
    await db.commit([write(...SCHEMA.map((sql) => statement(sql)))])
    for (const sql of LOOKS) await db.read(statement(sql))
  } catch (error) {
    await db.close()
    throw error
  }
  return new SqliteSearchIndex(db)
}

/** SQLITE_CORRUPT and SQLITE_NOTADB, by their words: their numbers do not come over from the writer's thread. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && /malformed|not a database|corrupt/i.test(error.message)
}

class SqliteSearchIndex implements SearchIndex {
  readonly #db: Database
  /** Files that were put or removed since the index was opened; `null` once nothing more is restored. */
  #touched: Set<string> | null = new Set()

  constructor(db: Database) {
    this.#db = db
  }

  async put(projectId: string, fileId: string, chunks: IndexedChunk[]): Promise<void> {
    this.#touched?.add(fileId)
    await this.#db.commit(putWrites(projectId, fileId, chunks))
  }

  async remove(_projectId: string, fileId: string): Promise<void> {
    this.#touched?.add(fileId)
    await this.#db.commit([removeWrite(fileId)])
  }

  /** In a file of its own, which only this process writes. */
  through(): Pick<SearchIndex, 'put' | 'remove'> {
    return this
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

  async extents(fileIds: readonly string[]): Promise<Extent[]> {
    const rows = await this.#db.read<Extent & { file_id: string }>(statement(EXTENTS, [JSON.stringify(fileIds)]))
    return rows.map(({ file_id, passages, first, last }) => ({ fileId: file_id, passages, first, last }))
  }

  async restore(projectId: string, fileId: string, batches: AsyncIterable<IndexedChunk[]>): Promise<void> {
    let earlier: Write[] = [removeWrite(fileId)]
    for await (const chunks of batches) {
      // Commits take effect in the order of their calls: what is touched after this look comes after this commit.
      if (this.#touched?.has(fileId)) return
      await this.#db.commit([...earlier, ...putWrites(projectId, fileId, chunks)])
      earlier = []
    }
  }

  restored(): void {
    this.#touched = null
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

function putWrites(projectId: string, fileId: string, chunks: IndexedChunk[]): Write[] {
  const rows = chunks.map(({ id, path, text }) => ({ id, heading: plain(path.join(' ')), text: plain(text) }))
  const json = JSON.stringify(rows)
  const places = statement(PUT_PLACES, [fileId, json])
  return [write(places, statement(PUT_PASSAGES, [projectToken(projectId), json]))]
}

function removeWrite(fileId: string): Write {
  return write(statement(REMOVE_PASSAGES, [fileId]), statement('DELETE FROM places WHERE file_id = ?', [fileId]))
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
