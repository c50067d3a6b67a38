import { EventEmitter } from 'node:events'
import { Duplex } from 'node:stream'
import { CLOSE } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { migrateUp } from '../db/migrations.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { Hub } from '../hub/hub.ts'
import { processTurn } from '../hub/turn.ts'
import { logMigrations } from '../log/log-migrations.ts'
import { SqlStreamLog } from '../log/sql-stream-log.ts'
import { SocketSession } from './socket-session.ts'
import { frameEncodingOf } from './websocket/encodings.ts'
import { Heartbeats } from './websocket/heartbeats.ts'

/** A stream whose peer takes what the test says, when it says so. */
class SlowStream extends Duplex {
  #taken: (() => void) | null = null

  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: string, taken: () => void): void {
    this.#taken = taken
  }

  /** The peer takes one piece. */
  takeOne(): boolean {
    const done = this.#taken
    this.#taken = null
    done?.()
    return done !== null
  }
}

class FakeSocket extends EventEmitter {
  readonly OPEN = 1
  readonly readyState = 1
  closedWith: number | null = null
  terminated = false

  pause(): void {}
  resume(): void {}

  close(code: number): void {
    this.closedWith = code
  }

  terminate(): void {
    this.terminated = true
  }
}

async function sealedStream() {
  const db = openMemoryDatabase()
  await migrateUp(db, logMigrations, 0)
  const clock = new ManualClock()
  const log = new SqlStreamLog(db, clock)
  const texts = Array.from({ length: 40 }, (_, index) => JSON.stringify({ index, text: 'x'.repeat(50_000) }))
  await db.commit([log.append('s', texts, { seal: true })])
  const [socket, raw] = [new FakeSocket(), new SlowStream()]
  const peer = { socket: socket as unknown as WebSocket, raw, clock, turn: processTurn, limit: 1_048_576 }
  const encoding = frameEncodingOf('application/json')
  const nobody = { onFault: () => {}, credential: null, address: '', identify: async () => null, onSignedIn: () => {} }
  const options = { hub: new Hub(log), stream: 's', from: null, encoding, ...nobody, onClosed: () => {} }
  new SocketSession({ ...peer, heartbeats: new Heartbeats(clock) }, options)
  return { clock, socket, raw }
}

// One turn for reading, one for writing.
const settled = async () => {
  for (let turn = 0; turn < 2; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}

describe('SocketSession at the end of a stream', () => {
  it('[WS8] a slow reader of a sealed stream gets all of it before the goodbye, however long it takes', async () => {
    const { clock, socket, raw } = await sealedStream()
    await settled()
    let taken = 0
    while (socket.closedWith === null && taken < 1000) {
      clock.advance(20_000)
      if (raw.takeOne()) taken += 1
      await settled()
    }
    expect([taken > 5, socket.closedWith, socket.terminated, raw.writableLength]).toEqual([
      true,
      CLOSE.COMPLETED.code,
      false,
      0,
    ])
  })

  it('[WS8] a peer that takes nothing any more is hung up on', async () => {
    const { clock, socket } = await sealedStream()
    await settled()
    clock.advance(200_000)
    expect([socket.closedWith, socket.terminated]).toEqual([CLOSE.TOO_SLOW.code, true])
  })
})
