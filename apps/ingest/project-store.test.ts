import { allMigrations, type Database, migrateUp, statement } from '@holdfast/server'
import { openMemoryDatabase } from '@holdfast/server/sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ProjectStore } from './project-store.ts'
import { ingestMigrations } from './tables.ts'
import { PROJECT_SORTS } from './view.ts'

const all = allMigrations([{ name: 'ingest', streams: [], migrations: ingestMigrations, setup: () => ({}) }])

let db: Database
/** How SQLite goes about all that was read. */
let steps: string[]
let projects: ProjectStore
beforeEach(async () => {
  db = openMemoryDatabase()
  await migrateUp(db, all, 0)
  steps = []
  const read: Database['read'] = async (asked) => {
    const explained = statement(`EXPLAIN QUERY PLAN ${asked.sql}`, [...asked.params])
    steps.push(...(await db.read<{ detail: string }>(explained)).map(({ detail }) => detail))
    return db.read(asked)
  }
  projects = new ProjectStore({ dialect: db.dialect, read } as Database)
})
afterEach(() => db.close())

it('[ING19] a page in any order and status sorts nothing, and counts without looking at a file', async () => {
  for (const sort of PROJECT_SORTS) {
    const after = { key: sort === 'active' ? 5 : 'x', id: 'x' }
    for (const status of [undefined, 'done'] as const) {
      await projects.list({ status }, sort, 50, null)
      await projects.list({ status }, sort, 50, after)
    }
  }
  await projects.groups({})
  expect(steps.length).toBeGreaterThan(12)
  expect(steps.filter((step) => /TEMP B-TREE|SCAN files/.test(step))).toEqual([])
  const ofFiles = steps.filter((step) => /\bfiles\b/.test(step))
  expect(ofFiles.length).toBeGreaterThan(0)
  expect(ofFiles.filter((step) => !step.includes('COVERING INDEX'))).toEqual([])
})
