/**
 * BullMQ. It has jobs and no steps: a step is what its documentation has for that ("Process Step Jobs"), a row and then
 * `job.updateData`, which says how far the job is.
 */
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { Marks } from '../load/marks.ts'
import { CONCURRENCY, manyAtOnce, STEPS, serveWorker } from '../workers/serve-worker.ts'

const HOUR = 3_600_000
const connection = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null })
const queue = new Queue('work', { connection })
const marks = new Marks()
const options = { connection, concurrency: CONCURRENCY, removeOnComplete: { count: 1000 } }
const worker = new Worker('work', process_, options)
await worker.waitUntilReady()

async function process_(job) {
  const { id, isFlow } = job.data
  marks.began(id)
  for (let step = job.data.step; isFlow && step <= STEPS; step += 1) {
    await connection.rpush('rows', `${id} ${step}`)
    await job.updateData({ ...job.data, step: step + 1 })
  }
  marks.end(id)
}

const data = (id, isFlow) => ({ id, isFlow, step: 1 })

serveWorker({
  marks,
  startSingle: (id) => queue.add('single', data(id, false)),
  startFlow: (id) => queue.add('flow', data(id, true)),
  sleepers: (count) => manyAtOnce(count, (n) => queue.add('sleeper', data(`s${n}`, false), { delay: HOUR })),
  async queue(count) {
    await queue.pause()
    await manyAtOnce(count, (n) => queue.add('queued', data(`q${n}`, false)))
  },
  rows: () => connection.llen('rows'),
})
