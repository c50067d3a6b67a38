import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { type Database, type Statement, statement, write } from '@holdfast/server'
import { createFile, storageError } from './storage.ts'
import type { ArchiveWriter, BringOptions, UploadArchive, UploadSize } from './upload-archive.ts'

// One piece of a file is one row. A commit has at most twice that, a page of them eight times.
const PART_BYTES = 512 * 1024
const COMMIT_BYTES = 2 * PART_BYTES
const COMMIT_PARTS = 100
// A file that comes slowly is received whole before it is put here, and nothing is put here meanwhile.
const ABANDONED_AFTER_MS = 24 * 60 * 60_000

const BEGIN = `INSERT INTO uploads (id, files, bytes, touched_at) VALUES (?, 0, 0, holdfast_now())`
const ADD_PART = 'INSERT INTO upload_parts (upload_id, number, path, content) VALUES (?, ?, ?, ?)'
const TOUCH = 'UPDATE uploads SET touched_at = holdfast_now() WHERE id = ? AND completed_at IS NULL'
const COMPLETE = `
  UPDATE uploads SET files = ?, bytes = ?, touched_at = holdfast_now(), completed_at = holdfast_now()
  WHERE id = ? AND completed_at IS NULL`
const CLAIM = `
  UPDATE uploads SET claimed_at = COALESCE(claimed_at, holdfast_now()) WHERE id = ? AND completed_at IS NOT NULL`
const ABANDONED =
  'SELECT id FROM uploads WHERE claimed_at IS NULL AND touched_at < holdfast_now() - ? ORDER BY touched_at LIMIT 1000'
const TAKE = 'UPDATE uploads SET completed_at = NULL WHERE id = ? AND claimed_at IS NULL RETURNING id'
const REMOVED_AT_ONCE = 200
const REMOVE_PARTS = `
  DELETE FROM upload_parts WHERE upload_id = ? AND number IN (
    SELECT number FROM upload_parts WHERE upload_id = ? ORDER BY number LIMIT ${REMOVED_AT_ONCE})
  RETURNING number`
const FIND = 'SELECT files, bytes FROM uploads WHERE id = ? AND completed_at IS NOT NULL'
// As many as fit a page, and one at least.
const NEXT_PARTS = `
  SELECT number, path, content FROM (
    SELECT number, path, content, SUM(octet_length(content)) OVER (ORDER BY number) AS total
    FROM (SELECT * FROM upload_parts WHERE upload_id = ? AND number > ? ORDER BY number LIMIT 256) next
  ) page WHERE total <= ${8 * PART_BYTES} ORDER BY number`

type Part = { number: number; path: string; content: Uint8Array }

/** Uploads as rows of PostgreSQL, beside what is made of them. */
export function createPostgresUploadArchive(db: Database): UploadArchive {
  async function find(uploadId: string): Promise<UploadSize | null> {
    const [row] = await db.read<UploadSize & { files: number; bytes: number }>(statement(FIND, [uploadId]))
    return row ?? null
  }

  async function* parts(uploadId: string): AsyncGenerator<Part> {
    for (let after = 0; ; ) {
      const page = await db.read<Part>(statement(NEXT_PARTS, [uploadId, after]))
      yield* page
      const last = page.at(-1)
      if (!last) return
      after = last.number
    }
  }

  return {
    async open(uploadId) {
      await remove(db, uploadId)
      await db.commit([write(statement(BEGIN, [uploadId]))])
      return new PostgresArchiveWriter(db, uploadId)
    },
    has: async (uploadId) => (await find(uploadId)) !== null,
    async bring(uploadId, folder, options) {
      const size = await find(uploadId)
      if (!size) return null
      await writeParts(parts(uploadId), folder, options)
      // Removed while it was read: what came of it is not all of it.
      return find(uploadId)
    },
    remove: (uploadId) => remove(db, uploadId),
    claim(uploadId) {
      const gone = { rows: 1, otherwise: 'NOT_FOUND', detail: `There is no upload ${uploadId}.` } as const
      return write(statement(CLAIM, [uploadId], gone))
    },
    async sweep() {
      const abandoned = await db.read<{ id: string }>(statement(ABANDONED, [ABANDONED_AFTER_MS]))
      for (const { id } of abandoned) {
        // Unless it was claimed since the look.
        const [[[taken] = []] = []] = await db.commit([write(statement(TAKE, [id]))])
        if (taken) await remove(db, id)
      }
    },
  }
}

/** In steps that each take a moment; from the first on it is no upload any more. */
async function remove(db: Database, uploadId: string): Promise<void> {
  await db.commit([write(statement('UPDATE uploads SET completed_at = NULL WHERE id = ?', [uploadId]))])
  for (let removed = REMOVED_AT_ONCE; removed === REMOVED_AT_ONCE; ) {
    const [[rows = []] = []] = await db.commit([write(statement(REMOVE_PARTS, [uploadId, uploadId]))])
    removed = rows.length
  }
  await db.commit([write(statement('DELETE FROM uploads WHERE id = ?', [uploadId]))])
}

class PostgresArchiveWriter implements ArchiveWriter {
  readonly #db: Database
  readonly #uploadId: string
  #number = 0
  /** Pieces that are not sent yet, and how much they are. */
  #waiting: Statement[] = []
  #bytes = 0
  #failure: unknown = null

  constructor(db: Database, uploadId: string) {
    this.#db = db
    this.#uploadId = uploadId
  }

  async add(name: string, file: string): Promise<void> {
    try {
      for await (const content of partsOf(file)) {
        const isFull = this.#bytes + content.byteLength > COMMIT_BYTES || this.#waiting.length === COMMIT_PARTS
        if (isFull) await this.#flush()
        this.#number += 1
        this.#waiting.push(statement(ADD_PART, [this.#uploadId, this.#number, name, content]))
        this.#bytes += content.byteLength
      }
    } catch (error) {
      // Some of it is missing, or may be: whatever comes now makes no whole upload.
      this.#failure ??= error
      throw error
    }
  }

  async commit({ files, bytes }: UploadSize): Promise<void> {
    await this.#flush()
    await this.#db.commit([write(statement(COMPLETE, [files, bytes, this.#uploadId], this.#isThere))])
  }

  async #flush(): Promise<void> {
    if (this.#failure) throw this.#failure
    if (this.#waiting.length === 0) return
    const parts = this.#waiting.splice(0)
    this.#bytes = 0
    try {
      await this.#db.commit([write(statement(TOUCH, [this.#uploadId], this.#isThere), ...parts)])
    } catch (error) {
      this.#failure ??= error
      throw error
    }
  }

  get #isThere() {
    return { rows: 1, otherwise: 'CONFLICT', detail: `The upload ${this.#uploadId} was removed meanwhile.` } as const
  }
}

/** A file in pieces; an empty one is one empty piece. */
async function* partsOf(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file, 'r')
  try {
    for (let position = 0; ; ) {
      const content = await readPart(handle, position)
      if (content.byteLength > 0 || position === 0) yield content
      if (content.byteLength < PART_BYTES) break
      position += content.byteLength
    }
  } finally {
    await handle.close()
  }
}

async function readPart(handle: FileHandle, position: number): Promise<Uint8Array> {
  // Handed on to the store, which may not have sent it when the next one is read.
  const buffer = Buffer.allocUnsafe(PART_BYTES)
  let length = 0
  while (length < PART_BYTES) {
    const { bytesRead } = await handle.read(buffer, length, PART_BYTES - length, position + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  // A copy where little was read, so that many small files do not hold a buffer each.
  return length < PART_BYTES / 2 ? Buffer.from(buffer.subarray(0, length)) : buffer.subarray(0, length)
}

async function writeParts(parts: AsyncIterable<Part>, folder: string, { signal, onFile }: BringOptions): Promise<void> {
  let name: string | null = null
  let handle: FileHandle | null = null
  let files = 0
  let bytes = 0
  const close = () => handle?.close()
  try {
    for await (const part of parts) {
      signal.throwIfAborted()
      if (handle === null || name !== part.path) {
        await close()
        name = part.path
        handle = await createFile(path.join(folder, part.path))
        files += 1
      }
      await handle.writeFile(part.content)
      bytes += part.content.byteLength
      onFile({ path: part.path, files, bytes })
    }
  } catch (error) {
    throw storageError(error)
  } finally {
    await close()
  }
}
