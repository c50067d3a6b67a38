/**
 * Holdfast's kernel as a program of its own, on the store that DATABASE_URL and REDIS_URL name (a SQLite file in DATA_DIR
 * where they do not): one kind of stream with a state, one kind of run, no page.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pino from 'pino'
import * as z from 'zod'
import { openStore } from '../../../apps/host/src/open-store.ts'
import { defineStream } from '../../../packages/protocol/src/index.ts'
import { createServer, type HoldfastServer } from '../../../packages/server/src/create-server.ts'
import { defineApp } from '../../../packages/server/src/define-app.ts'
import { createIdGenerator } from '../../../packages/server/src/ids.ts'
import { serveCommands } from '../commands.ts'
import { eventText, type Pace, writeFor } from '../load/write-loop.ts'
import { defineHolding } from './holding.ts'

const TOKEN = 'a-token-for-measuring-only'
const { DATA_DIR = '', PORT = '0', DATABASE_URL, REDIS_URL } = process.env
const onFatal = (error: Error) => {
  throw error
}

const ticks = defineStream('ticks/:id', {
  version: 1,
  events: { tick: z.looseObject({}) },
  initial: { ticks: 0 },
  fold: (state) => ({ ticks: state.ticks + 1 }),
})
const holding = defineHolding(() => server.services)
const logger = pino({ level: 'warn' }, pino.destination(2))
const { db, broker } = await openStore(
  DATABASE_URL
    ? { kind: 'postgres', url: DATABASE_URL, redisUrl: REDIS_URL || null }
    : { kind: 'sqlite', path: join(DATA_DIR, 'holdfast.db') },
  { logger, onFatal },
)
const server: HoldfastServer = await createServer({
  db,
  ...(broker ? { broker } : {}),
  apps: [defineApp({ name: 'ticks', streams: [ticks], migrations: [], setup: () => ({}) }), holding.app],
  operatorToken: TOKEN,
  sessionSecret: Buffer.alloc(32, 1),
  logger,
  newId: createIdGenerator({ now: Date.now, random: randomBytes }),
  exclusive: broker === null,
  limits: { connectionsPerAddress: 100_000 },
})
const address = await server.listen({ host: '127.0.0.1', port: Number(PORT) })
const { log } = server.services

serveCommands(
  { port: Number(new URL(address).port), headers: { authorization: `Bearer ${TOKEN}` } },
  {
    /** Publishes from within: `count` events, `perTick` of them begun in one turn of the event loop. */
    async publish({ stream, count, perTick, size }: { stream: string; count: number; perTick: number; size: number }) {
      for (let n = 0; n < count; n += perTick) {
        const begun = Array.from({ length: Math.min(perTick, count - n) }, (_, i) =>
          db.commit([log.append(stream, [eventText(n + i, size)])]),
        )
        await Promise.all(begun)
      }
    },
    /** Writers in this process: what the store takes without a protocol in between. */
    write({ prefix, padding, ...pace }: Pace & { prefix: string; padding: number }) {
      return writeFor(pace, async ({ stream, n }) => {
        await db.commit([log.append(prefix + stream, [eventText(n, padding)])])
        return true
      })
    },
    /** Fills a stream as fast as the store takes it. */
    async fill({ stream, count, size }: { stream: string; count: number; size: number }) {
      const timestamp = new Date().toISOString()
      const text = JSON.stringify({ type: 'tick', timestamp, n: 0, pad: 'x'.repeat(size) })
      const batch = Array.from({ length: 1000 }, () => text)
      for (let n = 0; n < count; n += 1000) await db.commit([log.append(stream, batch.slice(0, count - n))])
    },
    ...holding.commands,
  },
)
