import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { HoldfastError } from '@holdfast/protocol'
import { type Database, statement, write } from '@holdfast/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postgresOfTests } from '../../fixtures/postgres.ts'
import { listing, never } from './fixtures.ts'
import { createPostgresUploadArchive } from './postgres-upload-archive.ts'
import { createSources, type ManagedSources } from './sources.ts'
import type { UploadArchive } from './upload-archive.ts'

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
const postgres = postgresOfTests()

let db: Database
let archive: UploadArchive
let folder: string
const opened: ManagedSources[] = []
beforeEach(async () => {
  db = await postgres.emptied()
  archive = createPostgresUploadArchive(db)
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'holdfast-archive-')))
})
afterEach(async () => {
  for (const sources of opened.splice(0)) await sources.close()
  await rm(folder, { recursive: true, force: true })
})

const quiet = { signal: never, onFile: () => {} }

async function writeTree(name: string, files: Record<string, Buffer | string>): Promise<string> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name, file)), { recursive: true })
    await writeFile(path.join(folder, name, file), content)
  }
  return path.join(folder, name)
}

async function readTree(root: string): Promise<Record<string, Buffer>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [path.relative(root, file), await readFile(file)] as const)),
  )
}

async function save(to: UploadArchive, uploadId: string, from: string, size = { files: 5, bytes: 1 }): Promise<void> {
  const writer = await to.open(uploadId)
  for (const name of Object.keys(await readTree(from))) await writer.add(name, path.join(from, name))
  await writer.commit(size)
}

async function emptyFolder(name: string): Promise<string> {
  await mkdir(path.join(folder, name), { recursive: true })
  return path.join(folder, name)
}

const FILES = {
  'docs/guide/a.md': 'hello',
  'docs/.gitignore': '*.log\n',
  'empty.txt': '',
  'exact.bin': randomBytes(1024 * 1024),
  'large.bin': randomBytes(5 * 1024 * 1024 + 17),
  'ünï/漢字 🚢.txt': 'words',
}

describe('Uploads in PostgreSQL', () => {
  it('[ING16] come back as they were, byte for byte, in pieces that are held a few at a time', async () => {
    let most = 0
    const weigh = (values: readonly unknown[]) =>
      values.reduce<number>((sum, value) => sum + (value instanceof Uint8Array ? value.byteLength : 0), 0)
    const weighed: Database = {
      ...db,
      dialect: db.dialect,
      async commit(writes) {
        const sent = writes.flatMap(({ statements }) => statements.flatMap(({ params }) => [...params]))
        most = Math.max(most, weigh(sent))
        return db.commit(writes)
      },
      async read<T>(asked: Parameters<Database['read']>[0]) {
        const rows = await db.read<T>(asked)
        most = Math.max(most, weigh(rows.flatMap((row) => Object.values(row as object))))
        return rows
      },
    }
    const careful = createPostgresUploadArchive(weighed)
    const size = { files: 5, bytes: 42 }
    await save(careful, 'u1', await writeTree('from', FILES), size)
    const to = await emptyFolder('to')
    const told: string[] = []
    const options = { signal: never, onFile: ({ path: name }: { path: string }) => told.push(name) }
    expect(await careful.bring('u1', to, options)).toEqual(size)
    expect(await readTree(to)).toEqual(await readTree(path.join(folder, 'from')))
    expect([...new Set(told)].sort()).toEqual(Object.keys(FILES).sort())
    expect(most).toBeGreaterThan(1_000_000)
    expect(most).toBeLessThanOrEqual(4 * 1024 * 1024)
    const [row] = await db.read<{ most: number }>(
      statement('SELECT MAX(octet_length(content)) AS most FROM upload_parts'),
    )
    expect(row?.most).toBeLessThanOrEqual(1_000_000)
  })

  it('[ING16] are there whole or not at all', async () => {
    let commits = 0
    const failing = createPostgresUploadArchive({
      ...db,
      dialect: db.dialect,
      read: db.read.bind(db),
      async commit(writes) {
        commits += 1
        if (commits === 6) throw new HoldfastError('UNAVAILABLE')
        return db.commit(writes)
      },
    })
    const from = await writeTree('from', FILES)
    await expect(save(failing, 'u1', from)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await archive.has('u1')).toBe(false)
    expect(await archive.bring('u1', await emptyFolder('to'), quiet)).toBeNull()
    await expect(db.commit([archive.claim('u1')])).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await save(archive, 'u1', from)
    expect(await archive.has('u1')).toBe(true)
    await archive.remove('u1')
    await archive.remove('u1')
    expect(await archive.has('u1')).toBe(false)
    expect(await db.read(statement('SELECT 1 AS n FROM upload_parts'))).toEqual([])
  })

  it('[ING16] are none where one of their files could not be read', async () => {
    const from = await writeTree('from', { 'a.md': 'a' })
    const writer = await archive.open('u1')
    await writer.add('a.md', path.join(from, 'a.md'))
    await expect(writer.add('gone.md', path.join(from, 'gone.md'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(writer.commit({ files: 2, bytes: 2 })).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await archive.has('u1')).toBe(false)
  })

  it('[ING16] may have many small files, which come, and go, in several steps', async () => {
    const files = Object.fromEntries(Array.from({ length: 450 }, (_, n) => [`notes/${n}.md`, `Note ${n}`]))
    await save(archive, 'u1', await writeTree('from', files))
    await save(archive, 'u2', path.join(folder, 'from'))
    const to = await emptyFolder('to')
    expect(await archive.bring('u1', to, quiet)).not.toBeNull()
    expect(Object.keys(await readTree(to))).toHaveLength(450)
    await archive.remove('u1')
    const left = await db.read(statement('SELECT upload_id, COUNT(*) AS n FROM upload_parts GROUP BY upload_id'))
    expect(left).toEqual([{ upload_id: 'u2', n: 450 }])
  })

  it('[ING16] are brought no further when the run is stopped', async () => {
    await save(archive, 'u1', await writeTree('from', FILES))
    const stop = new AbortController()
    const options = { signal: stop.signal, onFile: () => stop.abort(new Error('stopped')) }
    await expect(archive.bring('u1', await emptyFolder('to'), options)).rejects.toThrow('stopped')
  })

  it('[ING16] that no ingestion claimed are removed a day after they were last written to', async () => {
    const from = await writeTree('from', { 'a.md': 'a' })
    for (const id of ['fresh', 'slow', 'old', 'claimed']) await save(archive, id, from)
    await db.commit([archive.claim('claimed')])
    const age = statement("UPDATE uploads SET touched_at = touched_at - ? WHERE id <> 'fresh'", [DAY + 1])
    // A large file over a slow line may take many hours to be received.
    const slow = statement("UPDATE uploads SET touched_at = touched_at + ? WHERE id = 'slow'", [HOUR])
    await db.commit([write(age, slow)])
    await archive.sweep()
    const left = await db.read<{ id: string }>(statement('SELECT id FROM uploads ORDER BY id'))
    expect(left.map(({ id }) => id)).toEqual(['claimed', 'fresh', 'slow'])
  })
})

describe('Two nodes with an archive of uploads', () => {
  const source = { kind: 'upload' as const, uploadId: 'u1', files: 2 }
  const node = (name: string) => {
    const sources = createSources({ dataDir: path.join(folder, name), roots: [], archive })
    opened.push(sources)
    return sources
  }
  const fetchOn = (sources: ManagedSources) => sources.fetch(source, '', { signal: never, onProgress: () => {} })
  async function uploadOn(sources: ManagedSources): Promise<void> {
    const upload = await sources.openUpload('u1')
    await upload.add('docs/a.md', Readable.from([Buffer.from('hello')]))
    await upload.add('b.md', Readable.from([Buffer.from('')]))
    await upload.commit()
  }

  it('[ING16] have what the other received, also asked for many times at once', async () => {
    const [first, second] = [node('a'), node('b')]
    await expect(second.validate(source)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await uploadOn(first)
    expect(await second.validate(source)).toEqual(source)
    const roots = await Promise.all(Array.from({ length: 8 }, () => fetchOn(second)))
    expect(new Set(roots.map(({ root }) => root)).size).toBe(1)
    expect(await listing(second.walk(roots[0]?.root ?? '', never))).toEqual(['b.md', 'docs/a.md'])
    expect(await readdir(path.join(folder, 'b', 'uploads'))).toEqual(['u1'])
  })

  it('[ING17] name its files alike, and bring one that is missed', async () => {
    const [first, second] = [node('a'), node('b')]
    await uploadOn(first)
    const { root } = await fetchOn(first)
    const place = await first.placeOf(path.join(root, 'docs/a.md'))
    expect(place).toBe('uploads/u1/files/docs/a.md')
    expect(await second.recheck(source, second.pathOf(place))).toEqual({ rejected: 'VANISHED' })
    // As a retry asks for it that names another upload of the same source.
    await second.bring({ ...source, uploadId: 'u2' }, place, '', never)
    expect(await second.recheck(source, second.pathOf(place))).toBeNull()
    await second.bring(source, 'uploads/nowhere/files/x.md', '', never)
    expect(await first.placeOf('/srv/docs/a.md')).toBe('/srv/docs/a.md')
    expect(first.pathOf('/srv/docs/a.md')).toBe('/srv/docs/a.md')
  })

  it('[ING18] let go of their copies and have them again, but not of one they are just working with', async () => {
    const [first, second] = [node('a'), node('b')]
    await uploadOn(first)
    await first.release('u1')
    expect(await readdir(path.join(folder, 'a', 'uploads'))).toEqual([])
    await fetchOn(first)
    await first.release('u1')
    expect(await readdir(path.join(folder, 'a', 'uploads'))).toEqual(['u1'])
    await first.discard(source, '')
    await expect(fetchOn(second)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('[ING18] leave alone what is brought to the place of a copy that is still being removed', async () => {
    const first = node('a')
    const old = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`files/${n}.md`, '']))
    const copy = await writeTree('a/uploads/u1', old)
    const releasing = first.release('u1')
    await expect.poll(() => readdir(path.dirname(copy)), { interval: 1 }).toEqual(['u1.removed'])
    await writeTree('a/uploads/u1', { 'files/a.md': 'hello' })
    await releasing
    expect(Object.keys(await readTree(copy))).toEqual(['files/a.md'])
    expect(await readdir(path.dirname(copy))).toEqual(['u1'])
  })

  it('[ING16] keep nothing of an upload that is discarded, or that the store does not take', async () => {
    const first = node('a')
    const upload = await first.openUpload('u1')
    await upload.add('a.md', Readable.from([Buffer.from('x')]))
    await upload.commit()
    await upload.discard()
    expect(await archive.has('u1')).toBe(false)
    expect(await readdir(path.join(folder, 'a', 'uploads'))).toEqual([])
  })
})
