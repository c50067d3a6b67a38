import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { NO_REDIS, redisServer, startRedis } from './redis.ts'

const missing = redisServer() === null
if (missing) process.stderr.write(`Redis: skipped, for ${NO_REDIS}\n`)

/** What it answers to one command. */
function ask(port: number, command: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`))
  socket.once('data', (bytes) => {
    socket.destroy()
    resolve(bytes.toString())
  })
  socket.once('error', reject)
  return promise
}

describe.skipIf(missing)('startRedis', () => {
  it('[BENCH4] a durable one has after a crash what it said that it has; any other is empty', async () => {
    const kept = async (durable: boolean) => {
      await using redis = await startRedis({ durable })
      expect(await ask(redis.port, 'SET key value')).toBe('+OK\r\n')
      await redis.stop()
      await redis.start()
      // Awaited here: it lives as long as this block.
      return await ask(redis.port, 'GET key')
    }
    expect(await kept(true)).toBe('$5\r\nvalue\r\n')
    expect(await kept(false)).toBe('$-1\r\n')
  })
})
