/** Readers that come back by themselves after a crash of the server, as a client would, and say what they missed. */
import WebSocket from 'ws'
import { percentile } from '../../measure/watcher.ts'
import { serveCommands } from '../commands.ts'
import type { ServerAddress } from '../contenders.ts'

// Clients spread their return; without it a server meets them all at once.
const SPREAD_MS = 500
const SETTLE_MS = 30_000

interface Opened {
  address: ServerAddress
  kind: 'websocket' | 'socket.io'
  count: number
  stream: string
}

let input: Opened
let backSince = 0
const resumers: Resumer[] = []

class Resumer {
  numbers: number[] = []
  offset = 'now'
  connections = 0
  backMs: number | null = null
  #socket: WebSocket | null = null

  open(): void {
    const { address, kind, stream } = input
    const path =
      kind === 'socket.io' ? '/socket.io/?EIO=4&transport=websocket' : `/v1/stream/${stream}?offset=${this.offset}`
    const socket = new WebSocket(`ws://127.0.0.1:${address.port}${path}`, { headers: address.headers })
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.#take(data.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => setTimeout(() => this.open(), Math.random() * SPREAD_MS))
  }

  #take(text: string): void {
    // Engine.IO: its greeting wants a Socket.IO connect, its ping a pong.
    if (text.startsWith('0{')) this.#socket?.send('40')
    if (text === '2') this.#socket?.send('3')
    if (text.startsWith('40') || text.includes('"up_to_date"')) this.connections += 1
    this.offset = /"offset":"([^"]+)"/.exec(text)?.[1] ?? this.offset
    for (const [, n] of text.matchAll(/"n":(\d+)/g)) {
      this.numbers.push(Number(n))
      if (backSince > 0) this.backMs ??= performance.now() - backSince
    }
  }
}

async function until(condition: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms
  while (!condition() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
}

async function open(opened: Opened): Promise<void> {
  input = opened
  for (let n = 0; n < opened.count; n += 1) {
    const resumer = new Resumer()
    resumers.push(resumer)
    resumer.open()
    if (n % 100 === 99 || n === opened.count - 1) {
      await until(() => resumers.every(({ connections }) => connections > 0), SETTLE_MS)
    }
  }
}

/** The server is back since now. */
function back(): void {
  backSince = performance.now()
}

/** Once everybody has every event up to `last`, or nothing more is to be expected. */
async function report({ last, ms }: { last: number; ms: number }) {
  await until(() => resumers.every(({ numbers }) => numbers.at(-1) === last), ms)
  const whole = ({ numbers }: Resumer) => numbers.length === last + 1 && numbers.every((n, index) => n === index)
  const times = resumers.flatMap(({ backMs }) => backMs ?? [])
  return {
    whole: resumers.filter(whole).length,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
  }
}

serveCommands(null, { open, back, report })
