import type { RunDetails } from '@holdfast/protocol/runs'
import type { ServerProcess } from '../../apps/dashboard/browser/test-support/server.ts'

/** What is made of a run whose worker stands outside, and here. */
interface Made {
  name: string
  queue?: string
  priority?: number
}

const FILLED = new WeakMap<ServerProcess, Promise<void>>()

/** Runs in every state that stands still, and schedules; once for a server. */
export function fillWork(server: ServerProcess): Promise<void> {
  const filled = FILLED.get(server) ?? fill(server)
  FILLED.set(server, filled)
  return filled
}

async function fill(server: ServerProcess): Promise<void> {
  for (let n = 0; n < 9; n += 1) await done(server, n % 3 === 0 ? 'nightly-report' : 'summarise')
  for (let n = 0; n < 12; n += 1) await failed(server, { name: 'enrich-company', queue: 'apollo' }, LIMITED)
  for (let n = 0; n < 3; n += 1) await failed(server, { name: 'send-invitations', queue: 'mail' }, REFUSED)
  await failed(server, { name: 'nightly-report' }, SLOW)
  await doubtful(server, 'send-invitations', 'mail to ada@harbour.example')
  await doubtful(server, 'buy-credits', 'order 200 credits')
  const cancelled = await begin(server, { name: 'summarise' })
  await report(server, cancelled, 'finish', { status: 'cancelled' })
  for (let n = 0; n < 4; n += 1) await working(server, n)
  const { id } = await start(server, { name: 'enrich-company', queue: 'apollo' })
  await server.request('POST', `/api/runs/${id}/pause`, {})
  for (let n = 0; n < 5; n += 1)
    await start(server, { name: 'resize', queue: 'images', ...(n === 3 && { priority: 120 }) })
  await schedule(server, '0 7 * * 1-5', 'Europe/Berlin', false)
  await schedule(server, '*/15 * * * *', 'UTC', true)
}

const LIMITED = { code: 'LIMITED', message: 'Could not reach Apollo (429, too many requests).', retryAfter: 40 }
const REFUSED = { code: 'SMTP_REFUSED', message: 'The mail server refused the sender: 550 5.7.1 relaying denied.' }
const SLOW = { code: 'TIMEOUT', message: 'The step “render” did not end within 8 m.' }

function start(server: ServerProcess, { name, ...more }: Made & { worker?: string }): Promise<RunDetails> {
  return server.request<RunDetails>('POST', '/api/runs', { name, version: 1, input: { harbour: 'Tórshavn' }, ...more })
}

function begin(server: ServerProcess, made: Made): Promise<RunDetails> {
  return start(server, { ...made, worker: 'worker-1', ...{ leaseSeconds: 3600 } })
}

function report(server: ServerProcess, { id, attempt }: RunDetails, what: string, body: object): Promise<unknown> {
  return server.request('POST', `/api/runs/${id}/${what}`, { attempt, ...body })
}

async function done(server: ServerProcess, name: string): Promise<void> {
  const run = await begin(server, { name })
  await report(server, run, 'steps', { key: 'read', status: 'started' })
  await report(server, run, 'steps', { key: 'read', status: 'done', output: { pages: 12 } })
  await report(server, run, 'finish', { status: 'done', result: { pages: 12 } })
}

async function failed(server: ServerProcess, made: Made, error: object): Promise<void> {
  const run = await begin(server, made)
  await report(server, run, 'progress', { done: 35, total: 100, unit: 'companies' })
  await report(server, run, 'finish', { status: 'failed', error })
}

/** Its worker does not know whether the step was done. */
async function doubtful(server: ServerProcess, name: string, key: string): Promise<void> {
  const run = await begin(server, { name, queue: 'mail' })
  await report(server, run, 'steps', { key, status: 'started', effect: 'unsafe' })
  const error = { code: 'NO_ANSWER', message: 'The other side did not answer within 30 s.' }
  await report(server, run, 'steps', { key, status: 'failed', error })
}

async function working(server: ServerProcess, nth: number): Promise<void> {
  const run = await begin(server, { name: nth % 2 === 0 ? 'enrich-company' : 'summarise', queue: 'apollo' })
  for (let part = 1; part <= 3; part += 1) {
    const told = { done: part * (5 + nth * 6), total: 120, unit: 'companies', message: `Faroe Shipping ${part}` }
    await report(server, run, 'progress', told)
  }
}

async function schedule(server: ServerProcess, cron: string, timezone: string, paused: boolean): Promise<void> {
  const input = {
    projectId: 'harbour',
    source: { kind: 'sitemap', url: 'https://harbour.example/sitemap.xml' },
    sourceKey: 'harbour',
    scope: { kind: 'all' },
  }
  const made = await server.request<{ id: string }>('POST', '/api/schedules', {
    name: 'ingestion',
    input,
    cron,
    timezone,
  })
  if (paused) await server.request('POST', `/api/schedules/${made.id}`, { paused })
}
