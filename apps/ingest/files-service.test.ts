import { allMigrations, migrateUp } from '@holdfast/server'
import { openMemoryDatabase } from '@holdfast/server/sqlite'
import { expect, it } from 'vitest'
import { FileList } from './file-list.ts'
import { FileStore } from './file-store.ts'
import { FilesService, type FilesServiceDeps } from './files-service.ts'
import { ProjectStore } from './project-store.ts'
import { ingestMigrations } from './tables.ts'

it('[ING24] every file is taken along once and in order, however many pages they are', async () => {
  const db = openMemoryDatabase()
  const app = { name: 'ingest', streams: [], migrations: ingestMigrations, setup: () => ({}) }
  await migrateUp(db, allMigrations([app]), 0)
  const files = new FileStore(db)
  const identity = { projectId: 'p1', sourceKey: 'path:/x', ingestionId: 'i1', rootId: 'i1' }
  const found = { status: 'found', type: 'text', sha256: 'x', rejection: null } as const
  const puts = Array.from({ length: 1100 }, (_, n) => {
    const file = { path: `${String(n).padStart(4, '0')}.md`, place: '', size: n % 3 }
    return files.put(`f${n}`, identity, file, found, 1)
  })
  await db.commit([new ProjectStore(db).insert({ id: 'p1', name: 'One', created_at: 1 }), ...puts])
  const service = new FilesService({ list: new FileList(db) } as FilesServiceDeps)
  const taken: string[] = []
  let pages = 0
  for await (const page of service.all('p1', {}, '-path')) {
    taken.push(...page.map(({ path }) => path))
    pages += 1
  }
  expect(pages).toBe(3)
  expect(taken).toEqual(puts.map((_, n) => `${String(1099 - n).padStart(4, '0')}.md`))
  await db.close()
})
