import type { Clock } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import { type Database, statement } from '../db/database.ts'

export interface HealthOptions {
  db: Database
  clock: Clock
  startedAt: number
  /** Whether the line to the other nodes is up; `null` where there are none. */
  nodes: { readonly connected: boolean } | null
  /** `false` while the server starts or drains. */
  isReady: () => boolean
}

// Monitors ask every few seconds, and want an answer.
const PATIENCE_MS = 2_000

interface Check {
  status: 'ok' | 'failed'
  latencyMs?: number
}

/** `/health` for people and monitors, `/health/live` and `/health/ready` for whatever starts and stops us. */
export async function health(app: FastifyInstance, options: HealthOptions): Promise<void> {
  const { db, clock, startedAt, nodes, isReady } = options
  const route = { config: { public: true }, schema: { hide: true } }

  app.get('/health', route, async (_, reply) => {
    const database = await check(clock, () => db.read(statement('SELECT 1 AS one')))
    const checks: Record<string, Check> = { database }
    // Without word of the others their events come later, and all else goes on.
    if (nodes) checks.nodes = { status: nodes.connected ? 'ok' : 'failed' }
    const isServing = isReady() && database.status === 'ok'
    const ok = isServing && Object.values(checks).every(({ status }) => status === 'ok')
    return reply.code(isServing ? 200 : 503).send({
      status: ok ? 'ok' : 'degraded',
      timestamp: new Date(clock.now()).toISOString(),
      uptime: Math.round((clock.now() - startedAt) / 1000),
      checks,
    })
  })
  app.get('/health/live', route, async () => ({ status: 'ok' }))
  app.get('/health/ready', route, async (_, reply) => {
    const ready = isReady()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'degraded' })
  })
}

async function check(clock: Clock, ask: () => Promise<unknown>): Promise<Check> {
  const from = clock.now()
  try {
    await answered(clock, ask())
    return { status: 'ok', latencyMs: clock.now() - from }
  } catch {
    return { status: 'failed', latencyMs: clock.now() - from }
  }
}

function answered(clock: Clock, answer: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(PATIENCE_MS, () => reject(new Error('no answer')), { keepAlive: false })
    answer.then(resolve, reject).finally(cancel)
  })
}
