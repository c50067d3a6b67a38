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
  readonly #env: Environment

  private constructor(contender: Contender, child: Child<ServerAddress>, folder: string, env: Environment) {
    this.contender = contender
    this.#env = env
    this.child = child
    this.#folder = folder
  }

  /** `env`: what it is told besides DATA_DIR and PORT. */
  static async start(contender: Contender, env: Environment = {}): Promise<ServerUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
    return new ServerUnderTest(contender, await startIn(contender, folder, 0, env), folder, env)
  }

  get address(): ServerAddress {
    return this.child.ready
  }

  /** Ends it without a word and starts it again, on the same port and the same data. */
  async crashAndRestart(): Promise<void> {
    const { port } = this.address
    await this.child.kill()
    this.child = await startIn(this.contender, this.#folder, port, this.#env)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

type Environment = Record<string, string>

function startIn({ module }: Contender, folder: string, port: number, env: Environment): Promise<Child<ServerAddress>> {
  // A store of whoever measures is none of these servers'.
  return Child.start(module, { DATABASE_URL: '', REDIS_URL: '', ...env, DATA_DIR: folder, PORT: String(port) })
}
