import { EventEmitter } from 'node:events'
import { CLOSE } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { migrateUp } from '../db/migrations.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { Hub } from '../hub/hub.ts'
import { logMigrations } from '../log/log-migrations.ts'
import { SqlStreamLog } from '../log/sql-stream-log.ts'
import { frameEncoding, SocketSession } from './socket-session.ts'

/** A socket whose peer takes what the test says, when it says so. */
class SlowSocket extends EventEmitter {
  bufferedAmount = 0
  closedWith: number | null = null
  terminated = false
  readonly #waiting: { bytes: number; taken: () => void }[] = []

  send(data: Buffer, _options: unknown, taken: () => void): void {
    this.bufferedAmount += data.length
    this.#waiting.push({ bytes: data.length, taken })
  }

  ping(_data: unknown, _mask: unknown, taken: () => void): void {
    this.send(Buffer.alloc(2), null, taken)
  }

  close(code: number): void {
    this.closedWith = code
  }

  terminate(): void {
    this.terminated = true
  }

  /** The peer takes one message. */
  take(): boolean {
    const next = this.#waiting.shift()
    if (!next) return false
    this.bufferedAmount -= next.bytes
    next.taken()
    return true
  }
}

async function sealedStream() {
  const db = openMemoryDatabase()
  await migrateUp(db, logMigrations, 0)
  const clock = new ManualClock()
  const log = new SqlStreamLog(db, clock)
  const texts = Array.from({ length: 40 }, (_, index) => JSON.stringify({ index, text: 'x'.repeat(50_000) }))
  await db.commit([log.append('s', texts, { seal: true })])
  const socket = new SlowSocket()
  const options = { hub: new Hub(log), clock, stream: 's', from: null, encoding: frameEncoding }
  new SocketSession(socket as unknown as WebSocket, options)
  return { clock, socket }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('SocketSession at the end of a stream', () => {
  it('[WS8] a slow reader of a sealed stream gets all of it before the goodbye, however long it takes', async () => {
    const { clock, socket } = await sealedStream()
    await settled()
    let taken = 0
    while (socket.closedWith === null && taken < 1000) {
      clock.advance(20_000)
      if (socket.take()) taken += 1
      await settled()
    }
    expect([socket.closedWith, socket.terminated, socket.bufferedAmount]).toEqual([CLOSE.COMPLETED.code, false, 0])
  })

  it('[WS8] a peer that takes nothing any more is hung up on', async () => {
    const { clock, socket } = await sealedStream()
    await settled()
    clock.advance(200_000)
    expect([socket.closedWith, socket.terminated]).toEqual([null, true])
  })
})
