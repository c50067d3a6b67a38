import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from '../transport/fixtures/live-server.ts'

let live: LiveServer
let socket: Socket
beforeEach(async () => {
  live = await startLiveServer()
  socket = connect(live.port, '127.0.0.1')
  socket.on('error', () => {})
})
afterEach(async () => {
  socket.destroy()
  await live[Symbol.asyncDispose]()
})

const ask = (method: string, path: string, body = '', ...headers: string[]) =>
  [
    `${method} /v1/stream/${path} HTTP/1.1`,
    'host: x',
    `authorization: Bearer ${TOKEN}`,
    'content-type: text/plain',
    `content-length: ${body.length}`,
    ...headers,
    '',
    body,
  ].join('\r\n')

const answers = () =>
  new Promise<string>((resolve) => {
    let text = ''
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part
    })
    socket.once('close', () => resolve(text))
  })

/** What the requests of one connection have begun to read. */
function countReads() {
  const { log } = live.server.services
  const read = log.read.bind(log)
  const counted = { reads: 0 }
  log.read = (...args) => {
    counted.reads += 1
    return read(...args)
  }
  return counted
}

describe('requests that do not wait for answers', () => {
  it('[HTTP31] take effect and are answered one after the other', async () => {
    const letters = Array.from({ length: 200 }, (_, index) => String.fromCharCode(97 + (index % 26)))
    const all = answers()
    socket.write(ask('PUT', 's') + letters.map((letter) => ask('POST', 's', letter)).join(''))
    socket.write(ask('GET', 's?offset=-1', '', 'connection: close'))
    const text = await all
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([
      'HTTP/1.1 201',
      ...letters.map(() => 'HTTP/1.1 204'),
      'HTTP/1.1 200',
    ])
    expect(text.endsWith(`\r\n\r\n${letters.join('')}`)).toBe(true)
  })

  it('[HTTP31] have one answer at a time made for a peer that takes none', async () => {
    await live.request('/v1/stream/s', {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'text/plain' },
      body: 'x'.repeat(1_000_000),
    })
    const counted = countReads()
    socket.pause()
    socket.write(ask('GET', 's?offset=-1').repeat(300))
    // What the system itself takes in for the peer is some megabytes.
    await expect.poll(() => counted.reads).toBeGreaterThan(2)
    let before = -1
    await expect
      .poll(
        () => {
          const still = counted.reads === before
          before = counted.reads
          return still
        },
        { interval: 300 },
      )
      .toBe(true)
    expect(counted.reads).toBeLessThan(50)
  })

  it('[HTTP31] and wait for what is live are forgotten with their connection', async () => {
    await live.append('s', '1')
    const counted = countReads()
    socket.write(ask('GET', 's?offset=-1&live=sse') + ask('GET', 's?offset=-1').repeat(5))
    await expect.poll(() => counted.reads).toBeGreaterThan(0)
    const reads = counted.reads
    socket.destroy()
    await expect.poll(() => live.all.connections()).toBe(0)
    expect(counted.reads).toBe(reads)
  })
})

describe('a connection on which nothing moves', () => {
  it('[HTTP32] is cut off while an answer waits to be taken, and not while a long-poll waits', async () => {
    await live[Symbol.asyncDispose]()
    live = await startLiveServer({ idleTimeoutMs: 300, longPollMs: 100 })
    const large = JSON.stringify('x'.repeat(1_000_000))
    await live.append('s', ...Array(20).fill(large))
    const polled = await live.request('/v1/stream/s?offset=now&live=long-poll')
    expect(polled.status).toBe(204)
    const slow = connect(live.port, '127.0.0.1').pause()
    const closed = new Promise((resolve) => slow.once('close', resolve))
    slow.on('error', () => {})
    // More than the system keeps for somebody who reads nothing.
    slow.write(Array.from({ length: 20 }, () => ask('GET', 's?offset=-1')).join(''))
    const connections = () => live.all.connections()
    await expect.poll(connections).toBe(1)
    await expect.poll(connections, { timeout: 10_000 }).toBe(0)
    slow.destroy()
    await closed
  })
})
