import pg from 'pg'
import WebSocket from 'ws'
import type { ServerAddress } from '../contenders.ts'
import { HttpClient, requestText } from './http-client.ts'

/** Where a writer appends, and how. */
export type Target =
  | { kind: 'http' | 'websocket' | 'socket.io'; address: ServerAddress }
  /** The SQL function for other programs. */
  | { kind: 'sql'; connectionString: string }

/** One writer's connection. */
export interface Appender {
  /** Makes a stream where that has to be done. */
  make(stream: string): Promise<void>
  /** Resolves when it was answered: `false` if it was refused. Of each connection one at a time. */
  append(stream: string, event: string): Promise<boolean>
  close(): void
}

export function openAppender(target: Target): Promise<Appender> {
  if (target.kind === 'sql') return openSql(target.connectionString)
  if (target.kind === 'socket.io') return openSocketIo(target.address)
  return target.kind === 'http' ? openHttp(target.address) : openWebSocket(target.address)
}

async function openSocketIo(address: ServerAddress): Promise<Appender> {
  return { ...(await openSocket(address, SOCKET_IO)), async make() {} }
}

async function openWebSocket(address: ServerAddress): Promise<Appender> {
  const { make, close } = await openHttp(address)
  const socket = await openSocket(address, HOLDFAST)
  return {
    ...socket,
    make,
    close() {
      close()
      socket.close()
    },
  }
}

async function openHttp(address: ServerAddress): Promise<Appender> {
  const client = await HttpClient.connect(address.port)
  const headers = { ...address.headers, 'content-type': 'application/json' }
  const path = (stream: string) => `/v1/stream/${stream}`
  return {
    async make(stream) {
      const status = await client.send(requestText('PUT', path(stream), headers))
      if (status !== 200 && status !== 201 && status !== 204) throw new Error(`making a stream was answered ${status}`)
    },
    async append(stream, event) {
      const status = await client.send(requestText('POST', path(stream), headers, event))
      return status === 200 || status === 204
    },
    close: () => client.close(),
  }
}

interface Dialect {
  path: string
  /** What is said back to a message that wants it. */
  reply?: (text: string) => string | undefined
  /** The first message after which one may append. */
  isOpen: (text: string) => boolean
  append: (stream: string, event: string) => string
  /** `null`: says nothing of an append. */
  outcome: (text: string) => boolean | null
}

const HOLDFAST: Dialect = {
  path: '/v1/ws',
  isOpen: (text) => text.includes('"welcome"'),
  append: (stream, event) => `{"type":"append","ref":0,"stream":"${stream}","events":[${event}]}`,
  outcome: (text) => (text.includes('"appended"') ? true : text.includes('"error"') ? false : null),
}

/** Engine.IO 4 and Socket.IO 5 as they stand on the wire: an event that wants an acknowledgement. */
const SOCKET_IO: Dialect = {
  path: '/socket.io/?EIO=4&transport=websocket',
  reply: (text) => (text.startsWith('0') ? '40' : text === '2' ? '3' : undefined),
  isOpen: (text) => text.startsWith('40'),
  append: (_, event) => `420["e",${event}]`,
  outcome: (text) => (text.startsWith('43') ? true : null),
}

async function openSocket(address: ServerAddress, dialect: Dialect): Promise<Omit<Appender, 'make'>> {
  const { port, headers } = address
  const socket = new WebSocket(`ws://127.0.0.1:${port}${dialect.path}`, { headers, perMessageDeflate: false })
  const opened = Promise.withResolvers<void>()
  let waiting = Promise.withResolvers<boolean>()
  socket.on('message', (data: Buffer) => {
    const text = data.toString('latin1')
    const reply = dialect.reply?.(text)
    if (reply !== undefined) socket.send(reply)
    if (dialect.isOpen(text)) opened.resolve()
    const outcome = dialect.outcome(text)
    if (outcome !== null) waiting.resolve(outcome)
  })
  socket.on('error', opened.reject)
  socket.on('close', () => waiting.resolve(false))
  await opened.promise
  return {
    append(stream, event) {
      waiting = Promise.withResolvers()
      socket.send(dialect.append(stream, event))
      return waiting.promise
    },
    close: () => socket.terminate(),
  }
}

async function openSql(connectionString: string): Promise<Appender> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  const query = { name: 'append', text: 'SELECT holdfast_append($1, $2::jsonb)' }
  return {
    async make() {},
    append: (stream, event) =>
      client.query({ ...query, values: [stream, event] }).then(
        () => true,
        () => false,
      ),
    close: () => void client.end().catch(() => {}),
  }
}
