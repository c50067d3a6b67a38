/**
 * pg-boss, woken by NOTIFY. It has jobs and no steps: a step is a row under a key of job and step, which a job that is
 * repeated would find and pass over. A batch of jobs is worked on side by side.
 */
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { Marks } from '../load/marks.ts'
import { CONCURRENCY, manyAtOnce, STEPS, serveWorker } from '../workers/serve-worker.ts'

const HOUR_SECONDS = 3600
// The quickest here: with more of them each batch is smaller, and is fetched no sooner.
const WORKERS = 2
const ROWS = 'CREATE TABLE rows (run TEXT, step INT, PRIMARY KEY (run, step))'
const INSERT = {
  name: 'row',
  text: 'INSERT INTO rows (run, step) VALUES ($1, $2) ON CONFLICT DO NOTHING',
}

const connectionString = process.env.DATABASE_URL
const pool = new pg.Pool({ connectionString, max: 10 })
await pool.query(ROWS)
const boss = new PgBoss({ connectionString, max: 20, useListenNotify: true })
boss.on('error', (error) => console.error(error))
boss.on('warning', (warning) => console.error(warning))
await boss.start()
// What nobody works on stands in a queue of its own: there is no pause.
for (const name of ['work', 'held']) await boss.createQueue(name, { notify: true })
const options = { batchSize: CONCURRENCY / WORKERS, localConcurrency: WORKERS, burstWhenBatchFull: true }
const marks = new Marks()
await boss.work('work', options, (jobs) => Promise.all(jobs.map(({ data }) => work(data))))

async function work({ id, isFlow }) {
  marks.began(id)
  for (let step = 1; isFlow && step <= STEPS; step += 1) await pool.query({ ...INSERT, values: [id, step] })
  marks.end(id)
}

serveWorker({
  marks,
  startSingle: (id) => boss.send('work', { id, isFlow: false }),
  startFlow: (id) => boss.send('work', { id, isFlow: true }),
  sleepers: (count) => manyAtOnce(count, (n) => boss.send('work', { id: `s${n}` }, { startAfter: HOUR_SECONDS })),
  queue: (count) => manyAtOnce(count, (n) => boss.send('held', { id: `q${n}` })),
  rows: async () => Number((await pool.query('SELECT count(*) FROM rows')).rows[0].count),
})
