import { once } from 'node:events'
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { FaultLine, type LineFaults } from './fault-line.ts'
import { listenOnLoopback, portOf } from './loopback.ts'
import { answerAlone, answerUpgradeAlone, endToEnd, headOf } from './proxy-messages.ts'

/**
 * What becomes of a wish to upgrade. `plain`: it goes on as a request without the wish, as by a proxy that was never
 * told of WebSockets. `silent`: it is never answered. A number: it is answered with that status.
 */
export type UpgradeAnswer = 'pass' | 'plain' | 'silent' | number

/** A request as it came to the proxy. */
export interface SeenRequest {
  /** Unix ms. */
  readonly at: number
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly isUpgrade: boolean
  /** `null` while it is not answered. */
  status: number | null
}

interface Answer {
  readonly status: number
  readonly matches: (request: SeenRequest) => boolean
  left: number
}

/** An upgraded connection. */
interface Tunnel {
  readonly toClient: FaultLine
}

// As long as one test asks; what is older is forgotten.
const REMEMBERED = 10_000
const NO_AGENT = new Agent({ keepAlive: false })
const NEVER = () => false

/**
 * A reverse proxy on loopback between a browser and a server, as they stand before real ones, with the faults real
 * ones have. It knows HTTP: requests and upgrades are told apart, answered in the server's place, and counted. Each
 * fault can be changed while it runs and holds for what is open and what comes, where it does not say otherwise.
 *
 * ```ts
 * await using proxy = await FaultProxy.open(port)
 * proxy.holdsBodies = true
 * ```
 */
export class FaultProxy implements AsyncDisposable {
  /** The server's port. Who is connected stays connected to the one before. */
  target: number
  /** Whatever passes does so that much later, each way, ms. */
  delayMs = 0
  /** Of connections that ask for it from now on. */
  upgradeAnswer: UpgradeAnswer = 'pass'
  /** How many upgrades the server has granted. */
  upgrades = 0
  /** Bytes of bodies and of what is said after an upgrade. */
  readonly bytes = { toServer: 0, toClient: 0 }
  readonly #server: Server
  readonly #port: number
  readonly #connections = new Set<Socket>()
  readonly #tunnels = new Set<Tunnel>()
  readonly #bodies = new Set<FaultLine>()
  #requests: SeenRequest[] = []
  #answers: Answer[] = []
  #isRefusing = false
  #mutesSockets = false
  #holdsBodies = false

  private constructor(target: number, server: Server) {
    this.target = target
    this.#server = server
    this.#port = portOf(server)
    server.on('connection', (socket) => this.#connect(socket))
    server.on('request', (request, response) => void this.#pass(request, response))
    server.on('upgrade', (request, socket: Socket) => void this.#upgrade(request, socket))
  }

  /** Listens on a free port, for a server on `target`. */
  static async open(target: number): Promise<FaultProxy> {
    const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 })
    await listenOnLoopback(server)
    return new FaultProxy(target, server)
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Live upgraded connections. */
  get sockets(): number {
    return this.#tunnels.size
  }

  /** The last 10,000 that came, oldest first, the refused ones included. */
  get requests(): readonly SeenRequest[] {
    return this.#requests
  }

  /** Connections are reset, those there are and those to come. */
  set isRefusing(value: boolean) {
    this.#isRefusing = value
    if (value) this.cut()
  }

  /**
   * Upgraded connections stay open, and nothing of what the server says comes through. One that was muted stays so,
   * for nobody could read it from the middle of a frame on.
   */
  set mutesSockets(value: boolean) {
    this.#mutesSockets = value
    if (value) for (const { toClient } of this.#tunnels) toClient.mute()
  }

  /** Bodies of answers are kept until they are whole; their heads pass. An endless one never comes. */
  set holdsBodies(value: boolean) {
    this.#holdsBodies = value
    if (!value) for (const body of this.#bodies) body.release()
  }

  /** Answers the next requests that match, in the server's place: once, or as often as said. Returns how to stop. */
  answer(status: number, matches: (request: SeenRequest) => boolean = () => true, times = 1): () => void {
    const answer: Answer = { status, matches, left: times }
    this.#answers.push(answer)
    return () => {
      this.#answers = this.#answers.filter((known) => known !== answer)
    }
  }

  /** Resets the connections there are. */
  cut(): void {
    for (const socket of this.#connections) socket.resetAndDestroy()
  }

  /** Lets everything through again, but for connections that were muted. */
  pass(): void {
    this.delayMs = 0
    this.upgradeAnswer = 'pass'
    this.isRefusing = false
    this.mutesSockets = false
    this.holdsBodies = false
    this.#answers = []
  }

  /** Goes as a process does: nobody listens, and what was open is reset. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }

  /** Comes again, on the same port. */
  async start(): Promise<void> {
    if (!this.#server.listening) await listenOnLoopback(this.#server, this.#port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #connect(socket: Socket): void {
    // `close` follows.
    socket.on('error', () => {})
    if (this.#isRefusing) {
      socket.resetAndDestroy()
      return
    }
    this.#connections.add(socket)
    socket.once('close', () => this.#connections.delete(socket))
  }

  #line(way: keyof FaultProxy['bytes'], isHeld: () => boolean): FaultLine {
    const proxy = this
    const faults: LineFaults = {
      get delayMs() {
        return proxy.delayMs
      },
      get isHeld() {
        return isHeld()
      },
      passed(bytes) {
        proxy.bytes[way] += bytes
      },
    }
    return new FaultLine(faults)
  }

  #see(request: IncomingMessage, isUpgrade: boolean): SeenRequest {
    const { method = 'GET', url = '/' } = request
    const seen: SeenRequest = { at: Date.now(), method, path: url, isUpgrade, status: null }
    if (this.#requests.length >= REMEMBERED) this.#requests = this.#requests.slice(REMEMBERED / 2)
    this.#requests.push(seen)
    return seen
  }

  /** The status to answer with in the server's place, or `null`. */
  #ownAnswer(seen: SeenRequest): number | null {
    const answer = this.#answers.find(({ left, matches }) => left > 0 && matches(seen))
    if (answer) {
      answer.left -= 1
      return answer.status
    }
    return seen.isUpgrade && typeof this.upgradeAnswer === 'number' ? this.upgradeAnswer : null
  }

  #wait(): Promise<void> | undefined {
    return this.delayMs === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, this.delayMs))
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = this.#see(request, false)
    const refuse = (status: number) => {
      seen.status = status
      answerAlone(status, response)
    }
    const own = this.#ownAnswer(seen)
    if (own !== null) return refuse(own)
    await this.#wait()
    const upstream = this.#ask(request, endToEnd(request.rawHeaders))
    request.pipe(this.#line('toServer', NEVER)).pipe(upstream)
    upstream.on('error', () => (response.headersSent ? response.destroy() : refuse(502)))
    upstream.on('response', (answer: IncomingMessage) => void this.#answerWith(seen, answer, response))
    // Whoever asked is gone, and so is the asking.
    response.once('close', () => upstream.destroy())
  }

  async #answerWith(seen: SeenRequest, answer: IncomingMessage, response: ServerResponse): Promise<void> {
    const { statusCode = 502, statusMessage, rawHeaders } = answer
    const body = this.#line('toClient', () => this.#holdsBodies)
    this.#bodies.add(body)
    body.once('close', () => this.#bodies.delete(body))
    answer.pipe(body)
    // The server went in the middle of it.
    answer.once('error', () => response.destroy())
    response.once('close', () => body.destroy())
    await this.#wait()
    if (response.destroyed) return
    seen.status = statusCode
    // How the body is cut into pieces is each hop's own.
    response.writeHead(statusCode, statusMessage, endToEnd(rawHeaders, 'transfer-encoding'))
    response.flushHeaders()
    body.pipe(response)
  }

  async #upgrade(request: IncomingMessage, client: Socket): Promise<void> {
    const seen = this.#see(request, true)
    const refuse = (status: number) => {
      seen.status = status
      answerUpgradeAlone(status, client)
    }
    const own = this.#ownAnswer(seen)
    if (own !== null) return refuse(own)
    if (this.upgradeAnswer === 'silent') return
    await this.#wait()
    const isPlain = this.upgradeAnswer === 'plain'
    const upstream = this.#ask(request, isPlain ? endToEnd(request.rawHeaders) : request.rawHeaders)
    upstream.on('upgrade', (answer: IncomingMessage, server: Socket, first: Buffer) => {
      seen.status = answer.statusCode ?? 101
      void this.#join(client, server, answer, first)
    })
    upstream.on('response', (answer: IncomingMessage) => {
      seen.status = answer.statusCode ?? 502
      // Its body is told by the end of the connection, whatever way it came here.
      client.write(headOf(answer, endToEnd(answer.rawHeaders, 'transfer-encoding')))
      answer.pipe(client)
    })
    upstream.on('error', () => refuse(502))
    client.once('close', () => upstream.destroy())
    upstream.end()
  }

  #ask({ method, url }: IncomingMessage, headers: string[]): ClientRequest {
    return requestHttp({ host: '127.0.0.1', port: this.target, method, path: url, headers, agent: NO_AGENT })
  }

  async #join(client: Socket, server: Socket, answer: IncomingMessage, first: Buffer): Promise<void> {
    const tunnel: Tunnel = { toClient: this.#line('toClient', NEVER) }
    const { toClient } = tunnel
    server.on('error', () => {})
    // A muted connection stays open, whatever becomes of the server.
    server.once('close', () => toClient.isMute || toClient.end())
    // And nobody but its client ends it.
    client.once('end', () => toClient.isMute && client.end())
    client.once('close', () => {
      this.#tunnels.delete(tunnel)
      server.destroy()
    })
    this.upgrades += 1
    this.#tunnels.add(tunnel)
    if (this.#mutesSockets) toClient.mute()
    if (first.length > 0) toClient.write(first)
    server.pipe(toClient, { end: false })
    client.pipe(this.#line('toServer', NEVER)).pipe(server)
    await this.#wait()
    client.write(headOf(answer))
    toClient.pipe(client)
  }
}
