import { DurableStream, IdempotentProducer, stream } from '@durable-streams/client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from '../fixtures/live-server.ts'

let live: LiveServer
beforeEach(async () => {
  live = await startLiveServer({ sseRotationMs: 1_000, longPollMs: 500 })
})
afterEach(() => live[Symbol.asyncDispose]())

describe('the client of Durable Streams, as it is', () => {
  it('[HTTP25] writes with a producer and reads by server-sent events and long-polls, over rotations', async () => {
    const place = { url: `http://127.0.0.1:${live.port}/v1/stream/s`, headers: { Authorization: `Bearer ${TOKEN}` } }
    const made = await DurableStream.create({ ...place, contentType: 'application/json' })
    const producer = new IdempotentProducer(made, 'p', { autoClaim: true, lingerMs: 1 })
    const readers = await Promise.all(
      (['sse', 'long-poll'] as const).map(async (manner) => {
        const numbers: number[] = []
        const reader = await stream<{ n: number }>({ ...place, offset: '-1', live: manner })
        reader.subscribeJson(({ items }) => {
          for (const { n } of items) numbers.push(n)
        })
        return { numbers, cancel: () => reader.cancel() }
      }),
    )
    const all = Array.from({ length: 60 }, (_, n) => n)
    for (const n of all) {
      producer.append(JSON.stringify({ n }))
      // Each is read before the next is written, so that the readers are live all along; some rotations long.
      await expect.poll(() => readers.map(({ numbers }) => numbers.length), { timeout: 10_000 }).toEqual([n + 1, n + 1])
    }
    await producer.flush()
    expect(readers.map(({ numbers }) => numbers)).toEqual([all, all])
    for (const { cancel } of readers) cancel()
  })
})
