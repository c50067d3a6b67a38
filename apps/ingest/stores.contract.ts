import type { Database } from '@holdfast/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FileIdentity, FileStore } from './file-store.ts'
import { IngestionStore } from './ingestion-store.ts'
import type { Chunk, IndexedChunk, Rejection } from './ports.ts'

const IDENTITY: FileIdentity = { projectId: 'p1', sourceKey: 'path:/docs', ingestionId: 'i1', rootId: 'i1' }
const FOUND = { status: 'found', type: 'text', sha256: 'x', rejection: null } as const

const passage = (ordinal: number, text: string): Chunk => ({
  ordinal,
  text,
  start: 0,
  end: text.length,
  page: ordinal || null,
  lineStart: 1,
  lineEnd: 2,
  path: [text],
})

/** A store with the app's tables, and no rows in them. */
export interface StoresWorld extends AsyncDisposable {
  db: Database
}

/** What the tables of the app hold and answer, the same on every store. */
export function describeStores(name: string, make: () => Promise<StoresWorld>): void {
  let world: StoresWorld
  let db: Database
  let files: FileStore
  let ingestions: IngestionStore
  let count = 0
  beforeEach(async () => {
    world = await make()
    db = world.db
    files = new FileStore(db)
    ingestions = new IngestionStore(db)
    count = 0
    await db.commit([
      ingestions.insertProject({ id: 'p1', name: 'One', created_at: 1 }),
      ingestions.insertProject({ id: 'p2', name: 'Two', created_at: 2 }),
    ])
  })
  afterEach(() => world[Symbol.asyncDispose]())

  /** Puts a file of some size and answers its row. */
  async function put(path: string, size = 1, identity: Partial<FileIdentity> = {}) {
    const whose = { ...IDENTITY, ...identity }
    count += 1
    await db.commit([files.put(`f${count}`, whose, { path, place: `/docs/${path}`, size }, FOUND, count)])
    const row = await files.find(whose.projectId, whose.sourceKey, path)
    if (!row) throw new Error(`${path} is not there`)
    return row
  }
  const listed = async (filter = {}, projectId = 'p1') =>
    (await ingestions.files(projectId, filter, 200, null)).map(({ path }) => path)

  describe(`The files of the ingest app on ${name}`, () => {
    it('[ING10] are found by project, source and path, and keep their row when they are found again', async () => {
      const first = await put('a.md')
      await put('a.md', 1, { projectId: 'p2' })
      await put('a.md', 1, { sourceKey: 'upload' })
      const again = await put('a.md', 7, { ingestionId: 'i2', rootId: 'i2' })
      expect(again).toMatchObject({ id: first.id, size: 7, ingestion_id: 'i2', status: 'found', chunks: 0 })
      expect(await files.find('p1', 'path:/docs', 'A.md')).toBeNull()
      expect(await listed()).toEqual(['a.md', 'a.md'])
    })

    it('[ING10] are listed in byte order of their paths, page by page, none twice and none left out', async () => {
      const names = ['b', 'B', 'a-b', 'a b', 'a/b', 'ab', 'É', 'e', 'z', '_', '10', '9', '漢', '🚢', 'a']
      // Beginnings of 200 characters alike, and longer than an entry of an index may be.
      const long = ['y'.repeat(300), `${'y'.repeat(300)}b`, `${'y'.repeat(300)}B`, `${'路'.repeat(4_000)}`]
      for (const one of [...names, ...long]) await put(one)
      const sorted = [...names, ...long].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await listed()).toEqual(sorted)
      const paged: string[] = []
      for (let after: { path: string; id: string } | null = null; ; ) {
        const page = await ingestions.files('p1', {}, 3, after)
        paged.push(...page.map(({ path }) => path))
        const last = page.at(-1)
        if (!last) break
        after = { path: last.path, id: last.id }
      }
      expect(paged).toEqual(sorted)
    })

    it('[ING10] have paths and sources of any length, told apart to the last character', async () => {
      const random = Array.from({ length: 3_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join(
        '',
      )
      const sourceKey = `url:https://example.org/${random}`
      const one = await put(`${random}1`, 1, { sourceKey })
      const two = await put(`${random}2`, 2, { sourceKey })
      expect(two.id).not.toBe(one.id)
      expect(await files.find('p1', sourceKey, `${random}1`)).toMatchObject({ id: one.id, size: 1 })
      expect(await files.unmet({ ...IDENTITY, sourceKey, ingestionId: 'i9' })).toHaveLength(2)
    })

    it('[P9e] are filtered by status, code, ingestion and any part of the path, taken literally', async () => {
      const a = await put('Docs/Guide_1.md')
      await put('docs/guide-2.md')
      await put('50%.txt', 1, { ingestionId: 'i2' })
      await put('Étude.txt')
      const gone: Rejection = { rejected: 'VANISHED' }
      await db.commit([files.reject(a, 2, gone, 5)])
      expect(await listed({ q: 'GUIDE' })).toEqual(['Docs/Guide_1.md', 'docs/guide-2.md'])
      expect(await listed({ q: 'e_1' })).toEqual(['Docs/Guide_1.md'])
      expect(await listed({ q: '%' })).toEqual(['50%.txt'])
      expect(await listed({ q: 'Étu' })).toEqual(['Étude.txt'])
      expect(await listed({ q: '\\' })).toEqual([])
      expect(await listed({ status: 'failed' })).toEqual(['Docs/Guide_1.md'])
      expect(await listed({ code: 'VANISHED' })).toEqual(['Docs/Guide_1.md'])
      expect(await listed({ ingestionId: 'i2' })).toEqual(['50%.txt'])
      expect(await ingestions.countFiles('p1', { q: 'docs' })).toBe(2)
      const groups = await ingestions.groupFiles('p1', {})
      expect(groups.sort((x, y) => x.files - y.files)).toEqual([
        { status: 'failed', code: 'VANISHED', files: 1 },
        { status: 'found', code: null, files: 3 },
      ])
    })

    it('[ING6] are asked for by anything a person may type, U+0000 and halves of characters included', async () => {
      await put('a.md')
      for (const typed of ['\u0000', 'a\u0000', '\ud800', "'; --", '%%%', '\\']) {
        await expect(listed({ q: typed }), JSON.stringify(typed)).resolves.toBeInstanceOf(Array)
        expect(await listed({ code: typed })).toEqual([])
        await ingestions.files('p1', {}, 10, { path: typed, id: typed })
      }
    })

    it('[ING10] take titles, reasons and names with any character in them', async () => {
      const row = await put('a.md')
      const strange = 'a\u0000b \ud800 \u001a 🚢'
      await db.commit([
        files.move(row, 2, 'extracted', { pages: 3, title: strange }, 6),
        ingestions.insertProject({ id: 'p3', name: strange, created_at: 3 }),
      ])
      const shown = (text: string | null | undefined) => text?.replace('\u0000', ' ')
      expect(shown((await files.get(row.id))?.title)).toBe('a b \ufffd \u001a 🚢')
      expect(shown((await ingestions.project('p3'))?.name)).toBe('a b \ufffd \u001a 🚢')
      await db.commit([files.reject(row, 2, { rejected: 'CORRUPT', detail: strange }, 7)])
      expect(shown((await files.get(row.id))?.detail)).toBe('a b \ufffd \u001a 🚢')
    })

    it('[ING4] are counted in numbers, also beyond what 32 bits hold', async () => {
      const large = 3_000_000_000_000
      const a = await put('a', large)
      await put('b', large)
      await db.commit([files.addChunks(a, [passage(0, 'x'), passage(1, 'y')]), files.move(a, 3, 'chunked', {}, 9)])
      const counts = await files.counts('i1')
      expect(counts).toMatchObject({ total: 2, bytes: 2 * large, chunks: 2 })
      expect(counts.byStatus.chunked).toEqual({ files: 1, bytes: large })
      expect(await files.counts('nobody')).toMatchObject({ total: 0, bytes: 0, chunks: 0 })
      expect(await ingestions.project('p1')).toMatchObject({ files: 1, chunks: 2 })
      expect(await ingestions.projects(10, null)).toMatchObject([{ id: 'p2', files: 0, chunks: 0 }, { id: 'p1' }])
      expect(await ingestions.projects(10, 'p2')).toMatchObject([{ id: 'p1' }])
      expect(await ingestions.countProjects()).toBe(2)
    })

    it('[ING10] are walked through by status, a page at a time, while they change it', async () => {
      for (let n = 0; n < 450; n += 1) await put(`${n}`)
      const met: string[] = []
      for await (const row of files.ofIngestion('i1', 'found')) {
        met.push(row.id)
        if (met.length % 3 === 0) await db.commit([files.move(row, 2, 'extracted', {}, 9)])
      }
      expect(new Set(met).size).toBe(450)
      expect(met).toEqual([...met].sort())
      const left: string[] = []
      for await (const row of files.ofIngestion('i1', 'extracted')) left.push(row.id)
      expect(left).toHaveLength(150)
    })
  })

  describe(`The passages of the ingest app on ${name}`, () => {
    it('[ING10] keep any text to the character, in any number of passages', async () => {
      const row = await put('a')
      const texts = [
        'quotes " and \' and \\',
        '🚢 ship',
        '{"json": [1]}',
        '\u2028\u0001\u001a',
        '\\u0000',
        'null \u0000 inside',
      ]
      await db.commit([
        files.addChunks(
          row,
          texts.map((text, ordinal) => passage(ordinal, text)),
        ),
      ])
      const stored: IndexedChunk[] = []
      for await (const batch of files.chunksOf(row.id)) stored.push(...batch)
      const kept = (text: string) => (db.dialect === 'postgres' ? text.replaceAll('\u0000', ' ') : text)
      expect(stored.map(({ text }) => text)).toEqual(texts.map(kept))
      expect(stored.map(({ path: [symbol] }) => symbol)).toEqual(texts)
      const [shown] = await ingestions.passages([stored[1]?.id ?? 0])
      expect(shown).toMatchObject({ text: '🚢 ship', start_at: 0, end_at: 7, page: 1, line_start: 1, file_path: 'a' })
      expect(await ingestions.passages([])).toEqual([])
      expect((await files.get(row.id))?.chunks).toBe(texts.length)
      await db.commit([files.removeChunks(row.id)])
      expect(await files.get(row.id)).toMatchObject({ chunks: 0, passages_of: null })
    })

    it('[ING7] are told in extents, file by file, and never get an id that was used', async () => {
      const rows = []
      for (let n = 0; n < 230; n += 1) rows.push(await put(`${n}`))
      await db.commit(rows.map((row) => files.addChunks(row, [passage(0, 'a'), passage(1, 'b')])))
      const extents = []
      for await (const page of files.extents()) extents.push(...page)
      expect(extents).toHaveLength(230)
      expect(new Set(extents.map(({ fileId }) => fileId)).size).toBe(230)
      const highest = Math.max(...extents.map(({ last }) => last))
      expect(extents.every(({ passages, first, last }) => passages === 2 && last === first + 1)).toBe(true)
      const [row] = rows
      if (!row) throw new Error('there is no file')
      await db.commit([files.removeChunks(row.id), files.addChunks(row, [passage(0, 'new')])])
      for await (const [batch] of files.chunksOf(row.id)) expect(batch?.id).toBeGreaterThan(highest)
      await db.commit([files.removeFile(row.id)])
      expect(await files.get(row.id)).toBeNull()
    })
  })

  describe(`Ingestions on ${name}`, () => {
    const insert = (ingestionId: string, more: { sourceKey?: string; rootId?: string; uploadId?: string } = {}) =>
      ingestions.insertIngestion(
        {
          ingestionId,
          projectId: 'p1',
          source: { kind: 'upload', uploadId: more.uploadId ?? 'u1', files: 1 },
          sourceKey: more.sourceKey ?? 'upload',
          scope: { kind: 'all' },
          retryOf: null,
          rootId: more.rootId ?? ingestionId,
        },
        1,
      )
    const end = (id: string, status: string) =>
      ingestions.ended(id, { status, percent: 12.5, result: null, error: null, metrics: null }, 9)

    it('[P5a] are listed newest first and keep what they are told', async () => {
      await db.commit([insert('i1'), insert('i2'), insert('i3'), ingestions.phaseStarted('i2', 3, 60.5, 7)])
      expect((await ingestions.ingestions('p1', 2, null)).map((row) => row.ingestion_id)).toEqual(['i3', 'i2'])
      expect((await ingestions.ingestions('p1', 2, 'i2')).map((row) => row.ingestion_id)).toEqual(['i1'])
      expect(await ingestions.newest('p1')).toMatchObject({ ingestion_id: 'i3', completed_at: null })
      expect(await ingestions.newest('p2')).toBeNull()
      expect(await ingestions.countIngestions('p1')).toBe(3)
      await db.commit([ingestions.started('i2', 5), ingestions.started('i2', 6), end('i2', 'failed')])
      expect(await ingestions.ingestion('i2')).toMatchObject({
        status: 'failed',
        current_phase: 3,
        progress_percent: 12.5,
        started_at: 5,
        completed_at: 9,
      })
    })

    it('[ING18] tell what their lines still need on disk', async () => {
      await db.commit([insert('i1'), insert('i2', { rootId: 'i1' }), insert('i3', { sourceKey: 'url:x' })])
      expect(await ingestions.neededOf('i1')).toBe('all')
      await db.commit([end('i1', 'failed'), end('i2', 'done')])
      expect(await ingestions.neededOf('i1')).toBe('downloads')
      expect(await ingestions.neededOf('i3')).toBe('all')
      expect(await ingestions.neededOf('nobody')).toBe('nothing')
      await db.commit([end('i3', 'failed')])
      expect(await ingestions.neededOf('i3')).toBe('all')
      await db.commit([insert('i4', { sourceKey: 'url:x' })])
      expect(await ingestions.neededOf('i3')).toBe('nothing')
    })

    it('[ING18] tell which uploads there are, and which of them is still to be worked on', async () => {
      await db.commit([insert('i1'), insert('i2'), insert('i3', { uploadId: 'u2' }), end('i1', 'done')])
      expect(await ingestions.uploads()).toEqual(
        new Map([
          ['u1', { isWanted: true }],
          ['u2', { isWanted: true }],
        ]),
      )
      await db.commit([end('i2', 'failed')])
      expect((await ingestions.uploads()).get('u1')).toEqual({ isWanted: false })
    })

    it('[ING13] name the earlier lines of their source that have ended', async () => {
      await db.commit([
        insert('i1'),
        insert('i2'),
        insert('i3', { sourceKey: 'url:x' }),
        insert('i4'),
        end('i1', 'done'),
      ])
      expect(await ingestions.earlierRoots('p1', 'upload', 'i4')).toEqual(['i1'])
    })
  })
}
