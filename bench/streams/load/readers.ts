/** Readers of one stream, all in one program; each event holds the moment it was sent (`t`). */
import { request } from 'node:http'
import WebSocket from 'ws'
import { now } from '../../measure/clock.ts'
import { percentile } from '../../measure/watcher.ts'
import { serveCommands } from '../commands.ts'
import type { ReaderKind, ServerAddress } from '../contenders.ts'

interface Reader {
  close(): void
}

let readers: Reader[] = []
let latencies: number[] = []
let delivered = 0
let address: ServerAddress
let stream = ''

// PostgreSQL's jsonb puts a space behind the colon. What follows the number shows that it came whole.
const EVENT_TIME = /"t": ?(\d+(?:\.\d+)?)[,}]/g

function take(text: string): void {
  const arrived = now()
  for (const [, sent] of text.matchAll(EVENT_TIME)) {
    delivered += 1
    latencies.push(arrived - Number(sent))
  }
}

function openSse(ready: () => void): Reader {
  const path = `/v1/stream/${stream}?offset=now&live=sse`
  const asked = request({ port: address.port, host: '127.0.0.1', path, headers: address.headers }, (response) => {
    response.setEncoding('utf8')
    let isReady = false
    response.on('data', (text: string) => {
      // The first control event is the reader's position.
      if (!isReady) ready()
      isReady = true
      take(text)
    })
    response.on('error', () => {})
  })
  asked.on('error', () => {})
  asked.end()
  return { close: () => asked.destroy() }
}

interface Dialect {
  path: string
  /** Said when the socket is open. */
  hello?: string
  /** What answers `text`, if anything. */
  answer?: (text: string) => string | undefined
  isReady: (text: string) => boolean
}

function dialectOf(kind: ReaderKind): Dialect {
  switch (kind) {
    case 'socket.io':
      // Engine.IO 4 and Socket.IO 5: open, connect, ping and pong as single digits.
      return {
        path: '/socket.io/?EIO=4&transport=websocket',
        answer: (text) => (text.startsWith('0') ? '40{"reader":true}' : text === '2' ? '3' : undefined),
        isReady: (text) => text.startsWith('40'),
      }
    case 'multiplexed':
      return {
        path: '/v1/ws',
        hello: JSON.stringify({ type: 'subscribe', stream, from: 'now' }),
        isReady: (text) => text.includes('"up_to_date"'),
      }
    case 'bare':
      return { path: '/', isReady: () => false }
    default:
      return { path: `/v1/stream/${stream}?offset=now`, isReady: (text) => text.includes('"up_to_date"') }
  }
}

function openSocket(kind: ReaderKind, ready: () => void): Reader {
  const { path, hello, answer, isReady } = dialectOf(kind)
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}${path}`, {
    headers: address.headers,
    perMessageDeflate: false,
    skipUTF8Validation: true,
  })
  let waiting = true
  socket.on('open', () => {
    if (hello) socket.send(hello)
    if (kind === 'bare') ready()
  })
  socket.on('message', (data: Buffer) => {
    const text = data.toString('latin1')
    if (waiting && isReady(text)) {
      waiting = false
      ready()
    }
    const said = answer?.(text)
    if (said) socket.send(said)
    take(text)
  })
  socket.on('error', () => {})
  return { close: () => socket.terminate() }
}

// Connections begun at once: a listening socket's queue is not what is measured.
const AT_ONCE = 100

async function open(input: { address: ServerAddress; kind: ReaderKind; count: number; stream: string }) {
  ;({ address, stream } = input)
  for (let n = 0; n < input.count; n += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, input.count - n) }, () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      readers.push(input.kind === 'sse' ? openSse(resolve) : openSocket(input.kind, resolve))
      return promise
    })
    await Promise.all(batch)
  }
}

/** Waits until `count` events have been delivered, or for `ms`. */
async function delivery({ count, ms }: { count: number; ms: number }): Promise<number> {
  const end = performance.now() + ms
  while (delivered < count && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
  return delivered
}

function report() {
  const result = { delivered, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
  delivered = 0
  latencies = []
  return result
}

function close(): void {
  for (const reader of readers) reader.close()
  readers = []
  report()
}

serveCommands(null, { open, delivery, report, close })
