import { Socket } from 'node:net'
import pg from 'pg'
import type { LineSession, SessionHandlers } from './line-broker.ts'
import type { Notification } from './postgres-notifications.ts'

export interface SessionOptions extends SessionHandlers {
  connectionString: string
}

const NOTIFY = 'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS said (channel, payload)'

/** One connection that listens and notifies. Its queries run one after the other. */
export class PostgresSession implements LineSession {
  readonly #client: pg.Client
  readonly #socket: Socket
  #last: Promise<unknown> = Promise.resolve()

  private constructor(client: pg.Client, socket: Socket) {
    this.#client = client
    this.#socket = socket
  }

  static async open({ connectionString, onMessage, lost, signal }: SessionOptions): Promise<PostgresSession> {
    // Our own, so that a connection whose other side is silent can be let go of at once.
    const socket = new Socket()
    const client = new pg.Client({
      connectionString,
      stream: () => socket,
      keepAlive: true,
      fallback_application_name: 'holdfast broker',
    })
    const session = new PostgresSession(client, socket)
    signal.addEventListener('abort', () => session.destroy(), { once: true })
    client.on('error', lost)
    client.on('end', () => lost(new Error('the connection ended')))
    client.on('notification', ({ channel, payload = '' }) => onMessage(channel, payload))
    await client.connect()
    return session
  }

  listen(on: readonly string[], off: readonly string[]): Promise<unknown> {
    const statements = [...on.map((channel) => `LISTEN ${channel}`), ...off.map((channel) => `UNLISTEN ${channel}`)]
    return this.#query({ text: statements.join(';') })
  }

  notify(notifications: readonly Notification[]): Promise<unknown> {
    const channels = notifications.map(({ channel }) => channel)
    const payloads = notifications.map(({ payload }) => payload)
    return this.#query({ name: 'notify', text: NOTIFY, values: [channels, payloads] })
  }

  probe(): Promise<unknown> {
    return this.#query({ text: 'SELECT 1' })
  }

  end(): Promise<void> {
    return this.#last.then(() => this.#client.end())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #query(query: pg.QueryConfig): Promise<unknown> {
    const asked = this.#last.then(() => this.#client.query(query))
    this.#last = asked.catch(() => {})
    return asked
  }
}
