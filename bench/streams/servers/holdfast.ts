/** Holdfast's kernel as a program of its own: a SQLite file, one kind of stream with a state, no page. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pino from 'pino'
import * as z from 'zod'
import { defineStream } from '../../../packages/protocol/src/index.ts'
import { createServer } from '../../../packages/server/src/create-server.ts'
import { openSqliteDatabase } from '../../../packages/server/src/db/sqlite-database.ts'
import { defineApp } from '../../../packages/server/src/define-app.ts'
import { createIdGenerator } from '../../../packages/server/src/ids.ts'
import { serveCommands } from '../commands.ts'

const TOKEN = 'a-token-for-measuring-only'
const { DATA_DIR = '', PORT = '0' } = process.env
const onFatal = (error: Error) => {
  throw error
}

const ticks = defineStream('ticks/:id', {
  version: 1,
  events: { tick: z.looseObject({}) },
  initial: { ticks: 0 },
  fold: (state) => ({ ticks: state.ticks + 1 }),
})
const db = await openSqliteDatabase({ path: join(DATA_DIR, 'holdfast.db'), durability: 'full', onFatal })
const server = await createServer({
  db,
  apps: [defineApp({ name: 'ticks', streams: [ticks], migrations: [], setup: () => ({}) })],
  operatorToken: TOKEN,
  sessionSecret: Buffer.alloc(32, 1),
  logger: pino({ level: 'warn' }),
  newId: createIdGenerator({ now: Date.now, random: randomBytes }),
  exclusive: true,
  limits: { connectionsPerAddress: 100_000 },
})
const address = await server.listen({ host: '127.0.0.1', port: Number(PORT) })
const { log } = server.services

serveCommands(
  { port: Number(new URL(address).port), headers: { authorization: `Bearer ${TOKEN}` } },
  {
    /** Publishes from within: `count` events, `perTick` of them begun in one turn of the event loop. */
    async publish({ stream, count, perTick, size }: { stream: string; count: number; perTick: number; size: number }) {
      const text = (n: number) =>
        JSON.stringify({ n, t: performance.timeOrigin + performance.now(), pad: 'x'.repeat(size) })
      for (let n = 0; n < count; n += perTick) {
        const begun = Array.from({ length: Math.min(perTick, count - n) }, (_, i) =>
          db.commit([log.append(stream, [text(n + i)])]),
        )
        await Promise.all(begun)
      }
    },
    /** Fills a stream as fast as the store takes it. */
    async fill({ stream, count, size }: { stream: string; count: number; size: number }) {
      const timestamp = new Date().toISOString()
      const text = JSON.stringify({ type: 'tick', timestamp, n: 0, pad: 'x'.repeat(size) })
      const batch = Array.from({ length: 1000 }, () => text)
      for (let n = 0; n < count; n += 1000) await db.commit([log.append(stream, batch.slice(0, count - n))])
    },
  },
)
