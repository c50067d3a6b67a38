import type { Database } from '@holdfast/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileList, filePosition } from './file-list.ts'
import { type FileIdentity, type FileRow, FileStore } from './file-store.ts'
import { IngestionStore } from './ingestion-store.ts'
import type { Chunk, IndexedChunk, Rejection } from './ports.ts'
import { type ListPosition, ProjectStore, projectPosition } from './project-store.ts'
import { FILE_SORTS, type FileSort, type ProjectSort } from './view.ts'

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
  let projects: ProjectStore
  let list: FileList
  let count = 0
  beforeEach(async () => {
    world = await make()
    db = world.db
    files = new FileStore(db)
    ingestions = new IngestionStore(db)
    projects = new ProjectStore(db)
    list = new FileList(db)
    count = 0
    await db.commit([
      projects.insert({ id: 'p1', name: 'One', created_at: 1 }),
      projects.insert({ id: 'p2', name: 'Two', created_at: 2 }),
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
    (await list.page(projectId, filter, 'path', 200, null)).map(({ path }) => path)

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
      for (let after: ListPosition | null = null; ; ) {
        const page: FileRow[] = await list.page('p1', {}, 'path', 3, after)
        paged.push(...page.map(({ path }) => path))
        const last = page.at(-1)
        if (!last) break
        after = filePosition(last, 'path')
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
      expect(await list.count('p1', { q: 'docs' })).toBe(2)
      const groups = await list.groups('p1', {})
      expect(groups.sort((x, y) => x.files - y.files)).toEqual([
        { status: 'failed', code: 'VANISHED', files: 1 },
        { status: 'found', code: null, files: 3 },
      ])
    })

    it('[ING20] are sorted by path, size, passages and time, either way round, every page where the last one ended', async () => {
      for (let n = 0; n < 25; n += 1) await put(`${'ba'[n % 2]}/${n}`, (n * 7) % 5)
      const first = await put('a/0-first', 99)
      await db.commit([files.addChunks(first, [passage(0, 'x')])])
      const values: Record<string, (row: FileRow) => string | number> = {
        path: ({ path }) => path,
        size: ({ size }) => size,
        passages: ({ chunks }) => chunks,
        updated: ({ updated_at }) => updated_at,
      }
      for (const sort of FILE_SORTS) {
        const rows: FileRow[] = []
        for (let after: ListPosition | null = null; ; ) {
          const page: FileRow[] = await list.page('p1', {}, sort, 4, after)
          rows.push(...page)
          const last = page.at(-1)
          if (!last) break
          after = filePosition(last, sort as FileSort)
        }
        expect(new Set(rows.map(({ id }) => id)).size, sort).toBe(26)
        const shown = rows.map(values[sort.replace('-', '')] ?? (() => ''))
        const sorted = shown.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
        expect(shown, sort).toEqual(sort.startsWith('-') ? sorted.reverse() : sorted)
      }
    })

    it('[ING21] a set of failed files is counted by source, and marked for one retry each', async () => {
      const gone: Rejection = { rejected: 'VANISHED' }
      for (let n = 0; n < 6; n += 1) await put(`docs/${n}`)
      await put('docs/of-the-web', 1, { sourceKey: 'url:x' })
      await put('docs/of-another', 1, { projectId: 'p2' })
      for (const row of await list.page('p1', {}, 'path', 20, null)) {
        if (row.path !== 'docs/5') await db.commit([files.reject(row, 2, gone, 5)])
      }
      const set = { q: 'docs/', code: 'VANISHED' }
      const sources = await list.failedBySource('p1', set)
      expect(sources.map(({ source_key, files: count }) => [source_key, Number(count)])).toEqual([
        ['path:/docs', 5],
        ['url:x', 1],
      ])
      await db.commit([list.claimForRetry('p1', 'path:/docs', { ...set, q: 'docs/1' }, 'r0')])
      await db.commit([list.claimForRetry('p1', 'path:/docs', set, 'r1')])
      const marked: string[] = []
      for await (const row of files.ofRetry('r1')) marked.push(row.path)
      expect(marked.sort()).toEqual(['docs/0', 'docs/1', 'docs/2', 'docs/3', 'docs/4'])
      for await (const row of files.ofRetry('r0')) throw new Error(`${row.path} is still of the one before`)
      // Found again it is still of the retry that asked for it.
      await put('docs/1', 3)
      expect(await list.count('p1', { ids: ['f1', 'f2', 'nobody'] })).toBe(2)
      marked.length = 0
      for await (const row of files.ofRetry('r1')) marked.push(row.path)
      expect(marked).toHaveLength(5)
    })

    it('[ING22] the passages of a file are read in order, a page at a time', async () => {
      const row = await put('a')
      await db.commit([
        files.addChunks(
          row,
          [2, 0, 1].map((n) => passage(n, `text ${n}`)),
        ),
      ])
      expect((await list.passages(row.id, 2, -1)).map(({ text }) => text)).toEqual(['text 0', 'text 1'])
      expect((await list.passages(row.id, 2, 1)).map(({ text }) => text)).toEqual(['text 2'])
    })

    it('[ING6] are asked for by anything a person may type, U+0000 and halves of characters included', async () => {
      await put('a.md')
      for (const typed of ['\u0000', 'a\u0000', '\ud800', "'; --", '%%%', '\\']) {
        await expect(listed({ q: typed }), JSON.stringify(typed)).resolves.toBeInstanceOf(Array)
        expect(await listed({ code: typed })).toEqual([])
        await list.page('p1', {}, 'path', 10, { key: typed, id: typed })
      }
    })

    it('[ING10] take titles, reasons and names with any character in them', async () => {
      const row = await put('a.md')
      const strange = 'a\u0000b \ud800 \u001a 🚢'
      await db.commit([
        files.move(row, 2, 'extracted', { pages: 3, title: strange }, 6),
        projects.insert({ id: 'p3', name: strange, created_at: 3 }),
      ])
      const shown = (text: string | null | undefined) => text?.replace('\u0000', ' ')
      expect(shown((await files.get(row.id))?.title)).toBe('a b \ufffd \u001a 🚢')
      expect(shown((await projects.get('p3'))?.name)).toBe('a b \ufffd \u001a 🚢')
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
      expect(await projects.get('p1')).toMatchObject({ files: 1, chunks: 2 })
      const all = await projects.list({}, 'newest', 10, null)
      expect(all).toMatchObject([{ id: 'p2', files: 0, chunks: 0 }, { id: 'p1' }])
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

  describe(`The projects of the ingest app on ${name}`, () => {
    const names = async (filter: object, sort: ProjectSort = 'newest', page = 2) => {
      const found: string[] = []
      for (let after: ListPosition | null = null; ; ) {
        const rows = await projects.list(filter, sort, page, after)
        found.push(...rows.map(({ name: shown }) => shown))
        const last = rows.at(-1)
        if (!last) return found
        after = projectPosition(last, sort)
      }
    }
    const insert = (ingestionId: string, projectId: string, at: number) => {
      const source = { kind: 'path', path: '/x' } as const
      const made = { ingestionId, projectId, source, sourceKey: 'path:/x', scope: { kind: 'all' } as const }
      return ingestions.insertIngestion({ ...made, retryOf: null, rootId: ingestionId }, at)
    }
    const end = (id: string, status: string, at: number) =>
      ingestions.ended(id, { status, percent: 1, result: null, error: null, metrics: null }, at)

    it('[ING19] are searched by any part of the name, taken literally, and sorted three ways', async () => {
      await db.commit([
        projects.insert({ id: 'p3', name: 'öl 50%', created_at: 3 }),
        projects.insert({ id: 'p4', name: 'ÖL ONE', created_at: 4 }),
        projects.insert({ id: 'p5', name: 'one', created_at: 5 }),
      ])
      expect(await names({})).toEqual(['one', 'ÖL ONE', 'öl 50%', 'Two', 'One'])
      expect(await names({}, 'name')).toEqual(['One', 'one', 'Two', 'öl 50%', 'ÖL ONE'])
      expect(await names({ q: 'ONE' }, 'name')).toEqual(['One', 'one', 'ÖL ONE'])
      expect(await names({ q: 'öL' })).toEqual(['ÖL ONE', 'öl 50%'])
      expect(await names({ q: '%' })).toEqual(['öl 50%'])
      for (const typed of ['_', '\\', "'; --"]) {
        expect(await names({ q: typed }), JSON.stringify(typed)).toEqual([])
      }
      for (const typed of ['\u0000', '\ud800']) await expect(names({ q: typed })).resolves.toBeInstanceOf(Array)
      await db.commit([insert('i1', 'p2', 9)])
      expect(await names({}, 'active')).toEqual(['Two', 'one', 'ÖL ONE', 'öl 50%', 'One'])
      expect((await projects.names(['p1', 'p9'])).get('p1')).toBe('One')
    })

    it('[ING19] are filtered and counted by how the ingestion in view is: the one that works, else the newest', async () => {
      const shown = async () => (await projects.get('p1'))?.ingestion_id
      const groups = async (filter = {}) =>
        Object.fromEntries((await projects.groups(filter)).map(({ status, projects: n }) => [status, Number(n)]))
      expect(await groups()).toEqual({ idle: 2 })
      await db.commit([insert('i1', 'p1', 2), ingestions.started('i1', 3)])
      await db.commit([insert('i2', 'p1', 4)])
      expect(await shown()).toBe('i1')
      expect(await names({ status: 'working' })).toEqual(['One'])
      expect(await groups({ q: 't' })).toEqual({ idle: 1 })
      await db.commit([end('i1', 'failed', 5)])
      expect(await shown()).toBe('i2')
      expect(await groups()).toEqual({ idle: 1, queued: 1 })
      await db.commit([ingestions.started('i2', 6), end('i2', 'done', 7)])
      expect(await projects.get('p1')).toMatchObject({ status: 'done', active_at: 7 })
      expect(await names({ status: 'done' }, 'name')).toEqual(['One'])
      expect(await names({ status: 'failed' })).toEqual([])
      expect((await ingestions.byIds(['i2', 'nobody'])).map((row) => row.ingestion_id)).toEqual(['i2'])
      expect(await ingestions.newestOfSource('p1', 'path:/x')).toMatchObject({ ingestion_id: 'i2' })
    })

    it('[ING19] a page goes on where the last one ended, whatever was added meanwhile', async () => {
      const [first] = await projects.list({}, 'newest', 1, null)
      if (!first) throw new Error('there is no project')
      await db.commit([projects.insert({ id: 'p9', name: 'Nine', created_at: 9 })])
      const rest = await projects.list({}, 'newest', 9, projectPosition(first, 'newest'))
      expect(rest.map(({ id }) => id)).toEqual(['p1'])
    })

    it('[ING19] are found by an index, in every order and status', async () => {
      // Of a table this small PostgreSQL reads all; the indexes are the same.
      if (db.dialect !== 'sqlite') return
      for (const order of ['id DESC', 'name_key, id', 'active_at DESC, id DESC']) {
        for (const filter of ['', "WHERE status = 'done'"]) {
          const text = `EXPLAIN QUERY PLAN SELECT id FROM projects ${filter} ORDER BY ${order} LIMIT 50`
          const plan = JSON.stringify(await db.read({ sql: text, params: [] }))
          expect(plan, `${filter} ${order}`).toContain('INDEX')
          expect(plan, `${filter} ${order}`).not.toContain('TEMP B-TREE')
        }
      }
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

    it('[ING18] are found by their line through an index, however many there are', async () => {
      await db.commit([{ statements: [{ sql: MANY_INGESTIONS[db.dialect], params: [] }] }])
      const plans: string[] = []
      const read: Database['read'] = async (asked) => {
        const explain = db.dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'
        plans.push(JSON.stringify(await db.read({ sql: `${explain} ${asked.sql}`, params: asked.params })))
        return db.read(asked)
      }
      const watched = new IngestionStore({ dialect: db.dialect, read } as Database)
      expect(await watched.neededOf('many7')).toBe('nothing')
      for (const asked of watched.aloneInLine('many8', 'many7').statements) await read(asked)
      expect(plans).toHaveLength(3)
      for (const plan of [plans[0], plans[2]]) expect(plan).toContain('ingestion_progress_of_line')
      for (const plan of plans) expect(plan).not.toMatch(/SCAN ingestion_progress|Seq Scan/)
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

/** Five thousand ingestions of one source that have ended, each a line of its own. */
const MANY_INGESTIONS = {
  sqlite: `WITH RECURSIVE made (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < 5000) ${manyIngestions('made')}`,
  postgres: manyIngestions('generate_series(1, 5000) AS made (n)'),
}

function manyIngestions(source: string): string {
  return `INSERT INTO ingestion_progress (ingestion_id, project_id, source, source_key, scope, root_id, status,
      current_phase, progress_percent, created_at, updated_at, completed_at)
    SELECT 'many' || n, 'p1', '{}', 'upload', '{}', 'many' || n, 'done', 4, 100, 1, 1, 1 FROM ${source}`
}
