import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { percentile, Watcher } from './watcher.ts'

const EVENTS = Array.from({ length: 9 }, (_, index) => ({
  type: 'step',
  timestamp: new Date(0).toISOString(),
  offset: `o${index + 1}`,
}))

let sockets: WebSocketServer
let asked: string[]
let closeCode: number

beforeEach(async () => {
  asked = []
  closeCode = 4500
  sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  sockets.on('connection', (socket, request) => {
    asked.push(request.url ?? '')
    const offset = new URL(request.url ?? '', 'http://local').searchParams.get('offset')
    for (const event of EVENTS.slice(EVENTS.findIndex((known) => known.offset === offset) + 1)) {
      socket.send(JSON.stringify(event))
    }
    socket.close(closeCode, 'the end')
  })
  await once(sockets, 'listening')
})

afterEach(() => {
  sockets.close()
})

function watch(cutAfter: number): Watcher {
  const url = `http://127.0.0.1:${(sockets.address() as AddressInfo).port}`
  return new Watcher({ url, headers: {} }, '/progress?ingestion=i1', cutAfter)
}

describe('Watcher', () => {
  it('[P8b] goes on after a cut from its last offset and takes nothing more from the old connection', async () => {
    const watcher = watch(4)
    await watcher.done
    expect(watcher.events).toEqual(EVENTS)
    expect(asked).toEqual(['/progress?ingestion=i1', '/progress?ingestion=i1&offset=o4'])
    // All of them were written before the connection: none of them says anything about speed.
    expect(watcher.latencies).toEqual([])
  })

  it('[P8b] takes any end but "completed" for a failure', async () => {
    closeCode = 4000
    await expect(watch(0).done).rejects.toThrow('closed with 4000')
  })
})

describe('percentile', () => {
  it('[P8b] gives the value below which the share lies', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index)
    expect(percentile(values, 0.5)).toBe(100)
    expect(percentile(values, 0.99)).toBe(198)
    expect(percentile([7], 0.99)).toBe(7)
    expect(percentile([], 0.5)).toBe(0)
  })
})
