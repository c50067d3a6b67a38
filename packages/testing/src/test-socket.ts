import { type RawData, WebSocket } from 'ws'

export interface SocketOptions {
  /** Bearer token of the handshake; `null` sends none. */
  token?: string | null
  headers?: Record<string, string>
}

/** How a connection ended: a close code, or the HTTP answer that refused the upgrade. */
export type SocketEnd =
  | { code: number; reason: string; status?: undefined; body?: undefined }
  | { code?: undefined; reason?: undefined; status: number; body: unknown }

/** A WebSocket that keeps what it was told. */
export interface TestSocket {
  /** Every message so far, parsed. */
  readonly messages: Record<string, unknown>[]
  /** Resolves when the upgrade was accepted; rejects where it was refused. */
  readonly opened: Promise<void>
  /** How it ended; never rejects. */
  readonly ended: Promise<SocketEnd>
  /** Resolves with all messages once there are `count`; rejects when the connection ends before that. */
  received(count: number): Promise<Record<string, unknown>[]>
  send(text: string): void
  /** Says goodbye. */
  close(): void
  /** Cuts the line without a word. */
  cut(): void
}

export function openTestSocket(url: string, { token, headers }: SocketOptions): TestSocket {
  const authorization = token === null || token === undefined ? {} : { authorization: `Bearer ${token}` }
  const socket = new WebSocket(url, { headers: { ...authorization, ...headers } })
  const messages: Record<string, unknown>[] = []
  const waiting = new Set<{ count: number; resolve: () => void; reject: (error: Error) => void }>()
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('close', () => reject(new Error('the upgrade was refused')))
  })
  opened.catch(() => {})
  const ended = endOf(socket)

  socket.on('message', (data: RawData) => {
    messages.push(JSON.parse(data.toString()))
    for (const wait of [...waiting]) {
      if (messages.length < wait.count) continue
      waiting.delete(wait)
      wait.resolve()
    }
  })
  void ended.then((end) => {
    for (const wait of waiting) wait.reject(new Error(`ended with ${JSON.stringify(end)}, ${messages.length} messages`))
  })
  return {
    messages,
    opened,
    ended,
    async received(count) {
      if (messages.length < count) {
        await new Promise<void>((resolve, reject) => waiting.add({ count, resolve, reject }))
      }
      return messages
    },
    send: (text) => socket.send(text),
    close: () => socket.close(),
    cut: () => socket.terminate(),
  }
}

function endOf(socket: WebSocket): Promise<SocketEnd> {
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_, response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString()
        socket.terminate()
        resolve({ status: response.statusCode ?? 0, body: text.startsWith('{') ? JSON.parse(text) : text })
      })
    })
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    // `close` follows.
    socket.on('error', () => {})
  })
}
