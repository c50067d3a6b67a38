/**
 * Holdfast's kernel, without a page, on the PostgreSQL that DATABASE_URL names or on a SQLite file in DATA_DIR. A step's
 * row is committed with the word that the step is done.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pino from 'pino'
import * as z from 'zod'
import { openStore } from '../../../apps/host/src/open-store.ts'
import { createServer, type HoldfastServer } from '../../../packages/server/src/create-server.ts'
import { statement, write } from '../../../packages/server/src/db/database.ts'
import { defineApp } from '../../../packages/server/src/define-app.ts'
import { createIdGenerator } from '../../../packages/server/src/ids.ts'
import { defineRun } from '../../../packages/server/src/runs/run.ts'
import { Marks } from '../load/marks.ts'
import { manyAtOnce, STEPS, serveWorker, waitUntil } from './serve-worker.ts'

const HOUR_MS = 3_600_000
const { DATA_DIR = '', DATABASE_URL } = process.env
const onFatal = (error: Error) => {
  throw error
}

const marks = new Marks()
const single = defineRun({
  name: 'single',
  version: 1,
  input: z.object({}),
  async run({ run }) {
    marks.began(run.id)
    marks.end(run.id)
  },
})
const flow = defineRun({
  name: 'flow',
  version: 1,
  input: z.object({}),
  async run({ run, step }) {
    marks.began(run.id)
    for (let n = 1; n <= STEPS; n += 1) {
      await step(String(n), async (it) => it.write(write(statement('INSERT INTO rows VALUES (?, ?)', [run.id, n]))))
    }
    marks.end(run.id)
  },
})
const sleeper = defineRun({
  name: 'sleeper',
  version: 1,
  input: z.object({}),
  run: ({ sleep }) => sleep('hour', HOUR_MS),
})

const rows = {
  id: 'bench/0001_rows',
  up: () => ['CREATE TABLE rows (run TEXT, step BIGINT)'],
  down: () => ['DROP TABLE rows'],
}
const app = defineApp({
  name: 'bench',
  streams: [],
  migrations: [rows],
  setup: () => ({ runs: [single, flow, sleeper] }),
})
const logger = pino({ level: 'warn' }, pino.destination(2))
const { db, broker } = await openStore(
  DATABASE_URL
    ? { kind: 'postgres', url: DATABASE_URL, redisUrl: null }
    : { kind: 'sqlite', path: join(DATA_DIR, 'holdfast.db') },
  { logger, onFatal },
)
const server: HoldfastServer = await createServer({
  db,
  ...(broker ? { broker } : {}),
  apps: [app],
  operatorToken: 'a-token-for-measuring-only',
  sessionSecret: Buffer.alloc(32, 1),
  logger,
  newId: createIdGenerator({ now: Date.now, random: randomBytes }),
  exclusive: broker === null,
})
await server.listen({ host: '127.0.0.1', port: 0 })
const { runs } = server.services

serveWorker({
  marks,
  startSingle: (id) => runs.start(single, {}, { id }),
  startFlow: (id) => runs.start(flow, {}, { id }),
  async sleepers(count) {
    await manyAtOnce(count, () => runs.start(sleeper, {}))
    await waitUntil(async () => (await countOf("SELECT count(*) AS count FROM runs WHERE status = 'waiting'")) >= count)
  },
  async queue(count) {
    await runs.limits.set('queue', 'single', { paused: true })
    await manyAtOnce(count, () => runs.start(single, {}))
  },
  rows: () => countOf('SELECT count(*) AS count FROM rows'),
})

async function countOf(sql: string): Promise<number> {
  const [row] = await db.read<{ count: number }>(statement(sql))
  return row?.count ?? 0
}
