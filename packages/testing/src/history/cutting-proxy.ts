import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '@holdfast/protocol'
import type { Random } from './random.ts'

/** Which side ended a line: the peer that called, the one that was called, or the line itself by being cut. */
export type LineEnd = 'client' | 'server' | 'cut'

interface Line {
  client: Socket
  server: Socket
  /** Bytes are taken and thrown away, and neither side hears of it. */
  isDead: boolean
  /** What the called one says is thrown away. */
  isMute: boolean
  /** It is being cut: whatever ends it from now on is the line's own doing. */
  isDoomed: boolean
}

export interface CuttingProxyOptions {
  /** The port of what is called, at the moment. */
  target: () => number
  /** Told of each line that has ended; `port` is the calling socket's own. */
  onEnd?: (port: number, by: LineEnd) => void
}

/**
 * A line between two parties that can be cut, and stays where it is while the one that is called comes and goes. Its
 * faults are those of real networks: a close, a reset, a reset in the middle of what was being sent, bytes that come
 * late, bytes that never come while both sides believe in the line, and nobody who answers.
 */
export class CuttingProxy {
  readonly #listener: Server
  readonly #lines = new Set<Line>()
  readonly #options: CuttingProxyOptions
  #port = 0
  #isRefusing = false
  #isSwallowing = false
  #delayMs = 0
  cuts = 0

  private constructor(options: CuttingProxyOptions) {
    this.#options = options
    this.#listener = createServer({ noDelay: true }, (client) => this.#connect(client))
  }

  static async open(options: CuttingProxyOptions): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(options)
    proxy.#listener.listen(0, '127.0.0.1')
    await once(proxy.#listener, 'listening')
    const address = proxy.#listener.address()
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
      line.isDoomed = true
      const manner = random.int(0, 3)
      if (manner === 0) hangUp(line)
      else if (manner === 1) reset(line)
      else if (manner === 2) cutWithin(line, line.server, line.client, random.next())
      else cutWithin(line, line.client, line.server, random.next())
    }
  }

  /** Holds a share of the lines up, both ways, until the way is called that is returned. */
  stall(random: Random, share: number): () => void {
    const stalled = [...this.#lines].filter(() => random.chance(share))
    for (const { client, server } of stalled) for (const socket of [client, server]) socket.pause()
    return () => {
      for (const { client, server } of stalled) for (const socket of [client, server]) socket.resume()
    }
  }

  /**
   * Every line goes dead, those that are opened meanwhile too: what is sent is lost, and nobody is told. The way that
   * is returned lets new lines through again; the dead ones are reset then, or stay as they are (`forever`).
   */
  swallow(forever: boolean): () => void {
    this.#isSwallowing = true
    for (const line of this.#lines) line.isDead = true
    return () => {
      this.#isSwallowing = false
      if (forever) return
      for (const line of this.#lines) {
        if (!line.isDead) continue
        line.isDoomed = true
        reset(line)
      }
    }
  }

  /** On every line what is asked arrives, and the answers are lost; the way that is returned resets these lines. */
  mute(): () => void {
    const mute = [...this.#lines]
    for (const line of mute) line.isMute = true
    return () => {
      for (const line of mute) {
        line.isDoomed = true
        reset(line)
      }
    }
  }

  /** Nobody answers calls from now on, or they are answered again. */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing
  }

  /** Each piece of bytes comes so much later from now on. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs
  }

  async close(): Promise<void> {
    for (const line of this.#lines) hangUp(line)
    this.#listener.close()
    await once(this.#listener, 'close')
  }

  #connect(client: Socket): void {
    client.on('error', () => {})
    if (this.#isRefusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect({ port: this.#options.target(), host: '127.0.0.1', noDelay: true })
    const line: Line = { client, server, isDead: this.#isSwallowing, isMute: false, isDoomed: false }
    this.#lines.add(line)
    this.#forward(line, client, server)
    this.#forward(line, server, client)
    const { remotePort = 0 } = client
    const end = (by: LineEnd) => {
      if (!this.#lines.delete(line)) return
      this.#options.onEnd?.(remotePort, line.isDoomed || line.isDead || line.isMute ? 'cut' : by)
      hangUp(line)
    }
    for (const [socket, by] of [
      [client, 'client'],
      [server, 'server'],
    ] as const) {
      socket.on('error', () => this.#ended(line, () => end(by)))
      socket.on('close', () => this.#ended(line, () => end(by)))
    }
  }

  /** On a dead line neither side hears that the other has gone. */
  #ended(line: Line, end: () => void): void {
    if (!line.isDead || line.isDoomed || (line.client.destroyed && line.server.destroyed)) end()
  }

  #forward(line: Line, from: Socket, to: Socket): void {
    from.on('data', (piece: Buffer) => {
      if (line.isDead || (line.isMute && from === line.server)) return
      if (this.#delayMs === 0) return write(piece)
      from.pause()
      systemClock.after(this.#delayMs, () => {
        from.resume()
        if (!line.isDead) write(piece)
      })
    })
    const write = (piece: Buffer) => {
      if (to.write(piece)) return
      from.pause()
      to.once('drain', () => from.resume())
    }
    from.on('end', () => {
      if (!line.isDead) to.end()
    })
  }
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
