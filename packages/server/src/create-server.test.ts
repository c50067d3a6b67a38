import { connect, type Socket } from 'node:net'
import type { Clock } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import pino from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createServer, type HoldfastServer } from './create-server.ts'
import { openMemoryDatabase } from './db/sqlite-database.ts'
import { type App, defineApp } from './define-app.ts'
import { defineRun } from './runs/run.ts'

const TOKEN = 'the-operators-token-of-tests'

let server: HoldfastServer | null = null
const peers: Socket[] = []
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy()
  await server?.close()
  server = null
})

function make(
  options: {
    clock?: Clock
    apps?: App[]
    operatorToken?: string
    sessionSecret?: Buffer
    previousSecrets?: Buffer[]
  } = {},
) {
  let ids = 0
  return createServer({
    db: openMemoryDatabase(),
    apps: [],
    operatorToken: TOKEN,
    sessionSecret: Buffer.alloc(32, 7),
    logger: pino({ level: 'silent' }),
    newId: () => `id-${++ids}`,
    exclusive: true,
    ...options,
  })
}

/** A run that works until it is told to stop. */
function patientWork() {
  const told = { begun: false, givenBack: false }
  const run = defineRun<null>({
    name: 'wait',
    version: 1,
    input: z.null(),
    stream: (_, id) => `waits/${id}`,
    run: async ({ signal }) => {
      told.begun = true
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      told.givenBack = true
      signal.throwIfAborted()
    },
    ended: async () => [],
  })
  const app = defineApp({ name: 'waits', streams: [], migrations: [], setup: () => ({ runs: [run] }) })
  return { told, run, app }
}

/** A WebSocket's peer that says hello and then nothing more: no answer to a close, no end of its own. */
async function silentPeer(port: number, path: string): Promise<{ closed: boolean }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  peers.push(socket)
  const peer = { closed: false }
  let text = ''
  socket.on('data', (data) => {
    text += data.toString('latin1')
  })
  socket.on('close', () => {
    peer.closed = true
  })
  socket.on('end', () => {
    peer.closed = true
  })
  socket.on('error', () => {})
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    `Authorization: Bearer ${TOKEN}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    // Source: RFC 6455, 1.3.
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await expect.poll(() => text).toContain('"type":"up_to_date"')
  return peer
}

describe('createServer', () => {
  it('[AUTH10] takes no secret that is too short to be one', async () => {
    await expect(make({ operatorToken: '' })).rejects.toThrow('operatorToken is shorter than 16 characters')
    await expect(make({ operatorToken: 'x'.repeat(15) })).rejects.toThrow(RangeError)
    await expect(make({ sessionSecret: Buffer.alloc(0) })).rejects.toThrow('sessionSecret is shorter than 32 bytes')
    await expect(make({ sessionSecret: Buffer.alloc(31) })).rejects.toThrow(RangeError)
    await expect(make({ previousSecrets: [Buffer.alloc(32), Buffer.alloc(0)] })).rejects.toThrow('previousSecrets')
    server = await make({ operatorToken: 'x'.repeat(16), sessionSecret: Buffer.alloc(32) })
  })

  it('[CLOSE1][CLOSE2] gives work back while a peer is silent, and waits two seconds for that peer', async () => {
    const clock = new ManualClock()
    const { told, run, app } = patientWork()
    server = await make({ clock, apps: [app] })
    const { services } = server
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    const { stream } = await services.runs.start(run, null)
    await expect.poll(() => told.begun).toBe(true)
    const peer = await silentPeer(Number(new URL(address).port), `/v1/stream/${stream}`)

    let closed = false
    const closing = server.close().then(() => {
      closed = true
    })
    await expect.poll(() => told.givenBack).toBe(true)
    expect([closed, peer.closed]).toEqual([false, false])
    clock.advance(1_999)
    expect(closed).toBe(false)
    clock.advance(1)
    await closing
    await expect.poll(() => peer.closed).toBe(true)
  })
})
