import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Random } from './random.ts'

interface Line {
  client: Socket
  server: Socket
}

/**
 * A line between clients and the server that can be cut, and stays where it is while the server comes and goes.
 * Cuts are those of real networks: a close, a reset, a reset in the middle of what was being sent.
 */
export class CuttingProxy {
  readonly #server: Server
  readonly #lines = new Set<Line>()
  readonly #target: () => number
  #port = 0
  cuts = 0

  private constructor(target: () => number) {
    this.#target = target
    this.#server = createServer({ noDelay: true }, (client) => this.#connect(client))
  }

  /** `target`: the server's port at the moment. */
  static async open(target: () => number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    const address = proxy.#server.address()
    proxy.#port = typeof address === 'object' && address ? address.port : 0
    return proxy
  }

  get port(): number {
    return this.#port
  }

  /** Cuts a share of the lines, each in a manner drawn at random. */
  cut(random: Random, share: number): void {
    for (const line of this.#lines) {
      if (!random.chance(share)) continue
      this.cuts += 1
      const manner = random.int(0, 3)
      if (manner === 0) hangUp(line)
      else if (manner === 1) reset(line)
      else if (manner === 2) cutWithin(line, line.server, line.client, random.next())
      else cutWithin(line, line.client, line.server, random.next())
    }
  }

  /** Holds a share of the lines up: nothing comes through to the client until the way is called that is returned. */
  stall(random: Random, share: number): () => void {
    const stalled = [...this.#lines].filter(() => random.chance(share))
    for (const { server } of stalled) server.pause()
    return () => {
      for (const { server } of stalled) server.resume()
    }
  }

  async close(): Promise<void> {
    for (const line of this.#lines) hangUp(line)
    this.#server.close()
    await once(this.#server, 'close')
  }

  #connect(client: Socket): void {
    const server = connect({ port: this.#target(), host: '127.0.0.1', noDelay: true })
    const line = { client, server }
    this.#lines.add(line)
    forward(client, server)
    forward(server, client)
    const end = () => {
      this.#lines.delete(line)
      hangUp(line)
    }
    for (const socket of [client, server]) {
      socket.on('error', end)
      socket.on('close', end)
    }
  }
}

function forward(from: Socket, to: Socket): void {
  from.on('data', (piece: Buffer) => {
    if (to.write(piece)) return
    from.pause()
    to.once('drain', () => from.resume())
  })
  from.on('end', () => to.end())
}

function hangUp({ client, server }: Line): void {
  client.destroy()
  server.destroy()
}

function reset({ client, server }: Line): void {
  client.resetAndDestroy()
  server.resetAndDestroy()
}

/** Of the next piece that comes only a part goes on, then the line is dead. */
function cutWithin(line: Line, from: Socket, to: Socket, share: number): void {
  from.removeAllListeners('data')
  from.once('data', (piece: Buffer) => {
    to.write(piece.subarray(0, Math.floor(piece.length * share)), () => reset(line))
  })
}
