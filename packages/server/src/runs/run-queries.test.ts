import { startPostgres, type TestPostgres, withPostgres } from '@holdfast/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, Dialect } from '../db/database.ts'
import { write } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { openPostgresDatabase } from '../db/postgres-database.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { logMigrations } from '../log/log-migrations.ts'
import type { OpenRunsStore } from './fixtures/run-world.ts'
import { entriesQuery, queueQuery } from './queries/queue-views.ts'
import { countQuery } from './queries/run-count.ts'
import { matching, type RunFilter, STORED_STATUSES } from './queries/run-filter.ts'
import { stretchQuery } from './queries/run-list.ts'
import { RUN_SORTS, STRETCHES } from './queries/run-order.ts'
import { positionsQuery } from './queries/standing.ts'
import { runMigrations } from './run-migrations.ts'
import { describeRunQueries } from './run-queries.contract.ts'
import { describeWaiting } from './run-waiting.contract.ts'
import type { Sql } from './sql.ts'

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

/** The store's time in the test's hand, where PostgreSQL has one of its own. */
function onClock(db: Database, url: string, clock: { now(): number }): Database {
  let told: number | null = null
  const keep = async () => {
    if (told === clock.now()) return
    told = clock.now()
    const body = `AS $$ SELECT ${told}::bigint $$`
    await withPostgres(url, (client) =>
      client.query(`CREATE OR REPLACE FUNCTION holdfast_now() RETURNS bigint LANGUAGE sql ${body}`),
    )
  }
  return {
    dialect: db.dialect,
    commit: (writes) => db.commit(writes),
    read: async (asked) => {
      if (asked.sql.includes('holdfast_now')) await keep()
      return db.read(asked)
    },
    onCommitted: (listener) => db.onCommitted(listener),
    close: () => db.close(),
  }
}

const openSqlite: OpenRunsStore = async () => {
  const db = openMemoryDatabase()
  return async () => db
}

const openPostgres: OpenRunsStore = async (clock) => {
  const connectionString = await postgres.createDatabase()
  return async () => onClock(openPostgresDatabase({ connectionString }), connectionString, clock)
}

describeRunQueries('SQLite', openSqlite)
describeWaiting('SQLite', openSqlite)
describeRunQueries('PostgreSQL', openPostgres)
describeWaiting('PostgreSQL', openPostgres)

const RUNS = 20_000

/** Many runs that have ended, some of each other kind, as a store has them after a while. */
const HISTORY = (dialect: Dialect) => {
  const series =
    dialect === 'postgres'
      ? `(SELECT generate_series AS n FROM generate_series(1, ${RUNS})) t`
      : `(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${RUNS}) SELECT n FROM c) t`
  return `INSERT INTO runs (id, name, version, input, status, stream, attempt, root_id, crashes, queue, rank, ready,
      created_at, due_at, started_at, ended_at, cause, error, parent_id, schedule_id, retried_by, serial_key)
    SELECT 'r' || n, 'kind' || (n % 50), 1, '{}',
      CASE n % 400 WHEN 0 THEN 'queued' WHEN 1 THEN 'waiting' WHEN 2 THEN 'working' WHEN 3 THEN 'failed'
        WHEN 4 THEN 'cancelled' ELSE 'done' END,
      's', 1, 'r' || n, 0, 'kind' || (n % 50), n, CASE n % 800 WHEN 0 THEN 1 ELSE 0 END, n, n, n,
      CASE WHEN n % 400 < 3 THEN NULL ELSE n + n % 77 END, CASE n % 400 WHEN 3 THEN 'c' || (n % 7) END,
      CASE n % 400 WHEN 3 THEN '{"code":"X"}' END, CASE n % 500 WHEN 0 THEN 'p' || n END,
      CASE n % 100 WHEN 0 THEN 's' || (n % 9) END, NULL, NULL
    FROM ${series}`
}

const FILTERS: RunFilter[] = [
  {},
  { statuses: ['queued'] },
  { statuses: ['working', 'quiet', 'waiting'] },
  { statuses: ['failed'], isRetried: false },
  { statuses: ['cancelled', 'lost'] },
  { names: ['kind3', 'kind4'] },
  { names: ['kind3'], statuses: ['failed'] },
  { queues: ['kind5'] },
  { queues: ['kind5'], statuses: ['queued'] },
  { cause: 'c1', isRetried: false },
  { parentId: 'p500' },
  { retryOf: 'r500' },
  { scheduleId: 's1' },
  { waits: ['decision'] },
  { from: 100, to: 200 },
  { ids: ['r1', 'r2'] },
  { search: 'r19' },
]

/** How the store goes about a query, a line for each part. */
async function plan(db: Database, asked: Sql | null): Promise<string[]> {
  if (!asked) return []
  const { sql, params } = asked
  if (db.dialect === 'sqlite') {
    const rows = await db.read<{ detail: string }>({ sql: `EXPLAIN QUERY PLAN ${sql}`, params })
    return rows.map(({ detail }) => detail)
  }
  const rows = await db.read<{ 'QUERY PLAN': string }>({ sql: `EXPLAIN ${sql}`, params })
  return rows.map((row) => row['QUERY PLAN'])
}

// A walk over an index in its own order, of which the first page is taken, is what the index is for.
const isWalk = (line: string) => /\bSCAN (runs|r|a)\b(?! USING)|Seq Scan on runs/.test(line)

function describePlans(name: string, open: () => Promise<Database>): void {
  describe(`How ${name} looks for runs`, () => {
    let db: Database
    beforeAll(async () => {
      db = await open()
      await migrateUp(db, [...logMigrations, ...runMigrations], 0)
      await db.commit([write({ sql: HISTORY(db.dialect), params: [] })])
      await db.commit([write({ sql: 'ANALYZE', params: [] })])
    })
    afterAll(() => db.close())

    it('[RUNQ6] no list walks over all runs, in any order, by any filter', async () => {
      const walks: unknown[] = []
      for (const filter of FILTERS) {
        for (const sort of RUN_SORTS) {
          for (const stretch of STRETCHES[sort]) {
            for (const after of [null, { stretch: 0, value: 5_000, id: 'r5000' }]) {
              const lines = await plan(
                db,
                stretchQuery(db.dialect, filter, { stretch, after, named: ['kind7'], most: 51 }),
              )
              if (lines.some(isWalk)) walks.push({ filter, sort, after, lines })
            }
          }
        }
      }
      expect(walks).toEqual([])
    })

    it('[RUNQ6] no count, no place in a queue and no number of a queue walks over all runs', async () => {
      const asked: (Sql | null)[] = [
        queueQuery('kind5'),
        entriesQuery('kind5', 0, null, 51),
        entriesQuery('kind5', 1, null, 51),
      ]
      asked.push(positionsQuery(['r800', 'r1600']))
      for (const filter of FILTERS.slice(1)) {
        for (const stored of STORED_STATUSES) asked.push(countQuery(db, filter, stored, []))
      }
      const walks: unknown[] = []
      for (const each of asked) {
        const lines = await plan(db, each)
        if (lines.some(isWalk)) walks.push({ sql: each?.sql, lines })
      }
      expect(walks).toEqual([])
    })

    it('[RUNQ6] what is found by few is found by an index that holds few', async () => {
      const { branches } = matching({ names: ['kind3'], statuses: ['queued'] }, { dialect: db.dialect })
      expect(branches).toEqual([expect.objectContaining({ sql: expect.stringContaining("status = 'queued'") })])
    })
  })
}

describePlans('SQLite', async () => openMemoryDatabase())
describePlans('PostgreSQL', async () => openPostgresDatabase({ connectionString: await postgres.createDatabase() }))
