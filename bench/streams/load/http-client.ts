import { connect, type Socket } from 'node:net'

/**
 * A keep-alive HTTP/1.1 connection that sends one prepared request after the other and reads answers as little as it
 * can: the load program shares its cores with the server it measures. Knows answers with Content-Length, without a
 * body (204, 304), and chunked ones.
 */
export class HttpClient {
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  #waiting: PromiseWithResolvers<number> | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (part: Buffer) => this.#take(part))
    socket.on('close', () => this.#waiting?.reject(new Error('the connection ended')))
    socket.on('error', () => {})
  }

  static async connect(port: number): Promise<HttpClient> {
    const socket = connect(port, '127.0.0.1')
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new HttpClient(socket)
  }

  /** Sends a whole request; answers the status. */
  send(request: string): Promise<number> {
    this.#waiting = Promise.withResolvers<number>()
    this.#socket.write(request)
    return this.#waiting.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(part: Buffer): void {
    this.#rest = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part])
    const end = this.#rest.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#rest.toString('latin1', 0, end)
    const status = Number(head.slice(9, 12))
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    const body = end + 4
    if (length !== undefined && this.#rest.length < body + Number(length)) return
    if (/\r\ntransfer-encoding: chunked/i.test(head) && !this.#rest.subarray(-5).equals(LAST_CHUNK)) return
    this.#rest = Buffer.alloc(0)
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.resolve(status)
  }
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** A request as it stands on the wire. */
export function requestText(method: string, path: string, headers: Record<string, string>, body = ''): string {
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': String(Buffer.byteLength(body)) })
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`
}
