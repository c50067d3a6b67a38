import { isHoldfastError } from '@holdfast/protocol'
import { type Database, type Statement, statement, type Write, write } from '@holdfast/server'
import type { Commit, Extent, IndexedChunk, SearchHit, SearchIndex } from '../../ports.ts'
import { parseQuery } from './search-query.ts'
import { placesOf, type WantedWords, wantedWords, wordsOf } from './words.ts'

// Of the passages there are: what was removed meanwhile is not brought back.
const PUT = `
  INSERT INTO passages (id, file_id, words)
  SELECT c.id, CAST(? AS TEXT), CAST(p.words AS TSVECTOR)
  FROM json_to_recordset(CAST(? AS JSON)) AS p(id BIGINT, words TEXT) JOIN chunks c ON c.id = p.id
  ON CONFLICT (id) DO UPDATE SET words = excluded.words`

const REMOVE = 'DELETE FROM passages WHERE file_id = ?'

const EXTENTS = `
  SELECT file_id, COUNT(*) AS passages, MIN(id) AS first, MAX(id) AS last FROM passages
  WHERE file_id IN (SELECT json_array_elements_text(CAST(? AS JSON))) GROUP BY file_id`

// A word in the heading (weight A) weighs as much as four in the text (D), and one in a passage of few different words
// more than one among many: a passage has some hundred.
const SEARCH = `
  SELECT found.id, found.rank, chunks.text
  FROM (
    SELECT id, ts_rank('{0.25, 0.25, 0.25, 1}', words, CAST(? AS TSQUERY)) / (100 + length(words)) AS rank FROM passages
    WHERE words @@ CAST(? AS TSQUERY) ORDER BY rank DESC, id LIMIT ? OFFSET ?
  ) found JOIN chunks ON chunks.id = found.id
  ORDER BY found.rank DESC, found.id`

// A position there is at most this.
const LAST_POSITION = 16_383

/**
 * PostgreSQL's full text search beside the passages, so that what one node indexed all nodes find at once. Words are
 * taken apart here and not by PostgreSQL's parser, which takes file names, addresses and numbers for words of their
 * own. A passage that leaves `chunks` leaves the index with it. Source: PostgreSQL documentation, chapter 12.
 */
export function createPostgresSearchIndex(db: Database): SearchIndex {
  return new PostgresSearchIndex(db)
}

class PostgresSearchIndex implements SearchIndex {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  put(projectId: string, fileId: string, chunks: IndexedChunk[]): Promise<void> {
    return this.through(this.#commit).put(projectId, fileId, chunks)
  }

  remove(projectId: string, fileId: string): Promise<void> {
    return this.through(this.#commit).remove(projectId, fileId)
  }

  through(commit: Commit): Pick<SearchIndex, 'put' | 'remove'> {
    return {
      put: (projectId, fileId, chunks) => commit(write(putStatement(projectId, fileId, chunks))),
      remove: (_projectId, fileId) => commit(write(statement(REMOVE, [fileId]))),
    }
  }

  async search(projectId: string, query: string, { limit, offset }: { limit: number; offset: number }) {
    const wanted = wantedWords(parseQuery(query))
    if (wanted.length === 0) return []
    const all = await this.#hits(projectId, wanted, ' & ', limit, offset)
    if (all.length > 0 || wanted.length === 1) return all
    // An empty page behind others is the end of them, not a reason to search for less.
    if (offset > 0 && (await this.#hits(projectId, wanted, ' & ', 1, 0)).length > 0) return all
    return this.#hits(projectId, wanted, ' | ', limit, offset)
  }

  async size(): Promise<number> {
    const [row] = await this.#db.read<{ n: number }>(statement('SELECT COUNT(*) AS n FROM passages'))
    return row?.n ?? 0
  }

  async extents(fileIds: readonly string[]): Promise<Extent[]> {
    const rows = await this.#db.read<Extent & { file_id: string }>(statement(EXTENTS, [JSON.stringify(fileIds)]))
    return rows.map(({ file_id, passages, first, last }) => ({ fileId: file_id, passages, first, last }))
  }

  async restore(projectId: string, fileId: string, batches: AsyncIterable<IndexedChunk[]>): Promise<void> {
    try {
      for await (const chunks of batches) await this.put(projectId, fileId, chunks)
    } catch (error) {
      // A passage that was there at the look and removed before the commit.
      if (!isHoldfastError(error, 'CONFLICT')) throw error
    }
  }

  restored(): void {}

  async close(): Promise<void> {}

  readonly #commit: Commit = async (...writes: Write[]) => {
    await this.#db.commit(writes)
  }

  async #hits(
    projectId: string,
    wanted: readonly WantedWords[],
    join: ' & ' | ' | ',
    limit: number,
    offset: number,
  ): Promise<SearchHit[]> {
    const words = wanted.map(tsquery).join(join)
    const inProject = `${projectWord(projectId)} & (${words})`
    const rows = await this.#db.read<{ id: number; rank: number; text: string }>(
      statement(SEARCH, [words, inProject, limit, offset]),
    )
    return rows.map(({ id, rank, text }) => ({ chunkId: id, score: rank, highlights: placesOf(wanted, text) }))
  }
}

function putStatement(projectId: string, fileId: string, chunks: readonly IndexedChunk[]): Statement {
  const rows = chunks.map(({ id, path, text }) => ({ id, words: tsvector(projectId, path.join(' '), text) }))
  return statement(PUT, [fileId, JSON.stringify(rows)])
}

/** The words with their positions; those of the heading first, and a gap, so that no phrase goes over from it. */
function tsvector(projectId: string, heading: string, text: string): string {
  const places = new Map<string, string[]>()
  let position = 0
  const add = (part: string, weight: string) => {
    for (const { stem } of wordsOf(part)) {
      position = Math.min(position + 1, LAST_POSITION)
      const known = places.get(stem)
      if (known) known.push(`${position}${weight}`)
      else places.set(stem, [`${position}${weight}`])
    }
    position += 1
  }
  add(heading, 'A')
  add(text, '')
  const words = [...places].map(([stem, positions]) => `'${stem}':${positions.join(',')}`)
  return [projectWord(projectId), ...words].join(' ')
}

/** Words hold letters, digits and marks only, so nothing in quotes needs care. */
function tsquery({ stems, isBeginning }: WantedWords): string {
  const last = stems.length - 1
  return `(${stems.map((stem, index) => `'${stem}'${isBeginning && index === last ? ':*' : ''}`).join(' <-> ')})`
}

/** Stands in every passage of a project and is none of its words: these hold no slash. */
function projectWord(id: string): string {
  return `'/${Buffer.from(id).toString('hex')}'`
}
