import pg from 'pg'
import WebSocket from 'ws'
import type { ServerAddress } from '../contenders.ts'
import { HttpClient, requestText } from './http-client.ts'

/** Where a writer appends, and how. */
export type Target =
  | { kind: 'http' | 'socket.io'; address: ServerAddress }
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
  return target.kind === 'http' ? openHttp(target.address) : openSocketIo(target.address)
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

/** Engine.IO 4 and Socket.IO 5 as they stand on the wire: an event that wants an acknowledgement. */
async function openSocketIo({ port, headers }: ServerAddress): Promise<Appender> {
  const path = '/socket.io/?EIO=4&transport=websocket'
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers, perMessageDeflate: false })
  const connected = Promise.withResolvers<void>()
  let waiting = Promise.withResolvers<boolean>()
  socket.on('message', (data: Buffer) => {
    const text = data.toString('latin1')
    if (text.startsWith('0')) socket.send('40')
    else if (text.startsWith('40')) connected.resolve()
    else if (text.startsWith('43')) waiting.resolve(true)
    else if (text === '2') socket.send('3')
  })
  socket.on('error', connected.reject)
  socket.on('close', () => waiting.resolve(false))
  await connected.promise
  return {
    async make() {},
    append(_, event) {
      waiting = Promise.withResolvers()
      socket.send(`420["e",${event}]`)
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
