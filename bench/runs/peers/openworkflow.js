/**
 * OpenWorkflow on PostgreSQL (DATABASE_URL) or on a SQLite file in DATA_DIR. A step writes its row in a transaction of its
 * own, as its documentation has it: what the step has done is recorded after that, by OpenWorkflow, in another.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OpenWorkflow } from 'openworkflow'
import { BackendPostgres } from 'openworkflow/postgres'
import { BackendSqlite } from 'openworkflow/sqlite'
import pg from 'pg'
import { Marks } from '../load/marks.ts'
import { CONCURRENCY, manyAtOnce, STEPS, serveWorker, waitUntil } from '../workers/serve-worker.ts'

const ROWS = 'CREATE TABLE rows (run TEXT, step INT)'
const { DATABASE_URL, DATA_DIR } = process.env
const { backend, insert, rows } = DATABASE_URL ? await onPostgres(DATABASE_URL) : onSqlite(DATA_DIR)

const marks = new Marks()
const openworkflow = new OpenWorkflow({ backend })
const single = openworkflow.defineWorkflow({ name: 'single' }, async ({ input }) => {
  marks.began(input.id)
  marks.end(input.id)
})
const flow = openworkflow.defineWorkflow({ name: 'flow' }, async ({ input, step }) => {
  marks.began(input.id)
  for (let n = 1; n <= STEPS; n += 1) await step.run({ name: `step ${n}` }, () => insert(input.id, n))
  marks.end(input.id)
})
let asleep = 0
const sleeper = openworkflow.defineWorkflow({ name: 'sleeper' }, async ({ step }) => {
  asleep += 1
  await step.sleep('an hour', '1h')
})
const worker = openworkflow.newWorker({ concurrency: CONCURRENCY })
await worker.start()

serveWorker({
  marks,
  startSingle: (id) => single.run({ id }),
  startFlow: (id) => flow.run({ id }),
  async sleepers(count) {
    await manyAtOnce(count, () => sleeper.run())
    await waitUntil(async () => asleep >= count)
  },
  // There is no pause: they are not due yet.
  queue: (count) => manyAtOnce(count, (n) => single.run({ id: `q${n}` }, { availableAt: '1h' })),
  rows,
})

async function onPostgres(url) {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  await pool.query(ROWS)
  return {
    backend: await BackendPostgres.connect(url),
    async insert(run, step) {
      await pool.query({ name: 'row', text: 'INSERT INTO rows (run, step) VALUES ($1, $2)', values: [run, step] })
    },
    rows: async () => Number((await pool.query('SELECT count(*) FROM rows')).rows[0].count),
  }
}

function onSqlite(folder) {
  const file = join(folder, 'openworkflow.db')
  const backend = BackendSqlite.connect(file)
  const db = new DatabaseSync(file)
  db.exec(ROWS)
  const statement = db.prepare('INSERT INTO rows (run, step) VALUES (?, ?)')
  return {
    backend,
    insert: async (run, step) => void statement.run(run, step),
    rows: async () => db.prepare('SELECT count(*) AS count FROM rows').get().count,
  }
}
