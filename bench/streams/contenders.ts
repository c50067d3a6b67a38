import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from './child.ts'

/** How readers are to speak with a server. */
export type ReaderKind = 'sse' | 'websocket' | 'multiplexed' | 'socket.io' | 'bare'

/** What a server child says when it is ready. */
export interface ServerAddress {
  port: number
  /** Sent with every request. */
  headers: Record<string, string>
}

/** A server that can be measured. */
export interface Contender {
  name: string
  module: URL
  /** Whether an acknowledged append is on disk. */
  durable: boolean
  /** Manners of reading it has; the first stands for it where one is enough. */
  readers: ReaderKind[]
}

export const HOLDFAST: Contender = {
  name: 'holdfast',
  module: new URL('servers/holdfast.ts', import.meta.url),
  durable: true,
  readers: ['websocket', 'sse', 'multiplexed'],
}
export const DURABLE_STREAMS: Contender = {
  name: '@durable-streams/server (file)',
  module: new URL('peers/durable-streams.js', import.meta.url),
  durable: true,
  readers: ['sse'],
}
export const SOCKET_IO: Contender = {
  name: 'socket.io (memory)',
  module: new URL('peers/socket-io.js', import.meta.url),
  durable: false,
  readers: ['socket.io'],
}
export const BARE_WS: Contender = {
  name: 'ws (memory)',
  module: new URL('peers/bare-ws.js', import.meta.url),
  durable: false,
  readers: ['bare'],
}

/** A server running with a fresh folder for its data. */
export class ServerUnderTest implements AsyncDisposable {
  readonly contender: Contender
  child: Child<ServerAddress>
  readonly #folder: string

  private constructor(contender: Contender, child: Child<ServerAddress>, folder: string) {
    this.contender = contender
    this.child = child
    this.#folder = folder
  }

  static async start(contender: Contender): Promise<ServerUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
    return new ServerUnderTest(contender, await startIn(contender, folder, 0), folder)
  }

  get address(): ServerAddress {
    return this.child.ready
  }

  /** Ends it without a word and starts it again, on the same port and the same data. */
  async crashAndRestart(): Promise<void> {
    const { port } = this.address
    await this.child.kill()
    this.child = await startIn(this.contender, this.#folder, port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function startIn(contender: Contender, folder: string, port: number): Promise<Child<ServerAddress>> {
  return Child.start(contender.module, { DATA_DIR: folder, PORT: String(port) })
}
