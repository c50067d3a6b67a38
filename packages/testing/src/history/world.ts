import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseOffset, sleep, systemClock } from '@holdfast/protocol'
import { checkHistory, type Violation } from './check-history.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import type { Door } from './doors/door.ts'
import { httpDoor } from './doors/http.ts'
import { insideDoor } from './doors/inside.ts'
import { socketDoor } from './doors/socket.ts'
import { canonical, type FinalLog, History } from './history.ts'
import { get, longPoll } from './manners/get.ts'
import type { Manner } from './manners/manner.ts'
import { sharedSocket } from './manners/shared.ts'
import { sse } from './manners/sse.ts'
import { streamSocket } from './manners/stream-socket.ts'
import { type Answered, ask, type Place, streamPath } from './place.ts'
import { room } from './room.ts'
import { ServerProcess } from './server-process.ts'
import { SocketPool } from './shared-socket.ts'

const INSIST_MS = 10_000

/** The ways in and out a run uses, by their names; absent: all of them. */
export interface Ways {
  doors?: readonly string[]
  manners?: readonly string[]
}

/** A server under test, the line to it, every way in and out, and what was told so far. */
export class World implements AsyncDisposable {
  readonly history = new History()
  readonly server: ServerProcess
  readonly proxy: CuttingProxy
  readonly place: Place
  readonly pool: SocketPool
  readonly doors: readonly Door[]
  readonly manners: readonly Manner[]
  readonly #dataDir: string

  private constructor(dataDir: string, server: ServerProcess, proxy: CuttingProxy, token: string, ways: Ways) {
    this.#dataDir = dataDir
    this.server = server
    this.proxy = proxy
    this.place = { port: proxy.port, token, agent: new Agent({ keepAlive: true }) }
    this.pool = new SocketPool(this.place)
    this.doors = named([insideDoor, httpDoor, socketDoor(this.pool)], ways.doors)
    this.manners = named([get, longPoll, sse, streamSocket, sharedSocket(this.pool)], ways.manners)
  }

  static async open(ways: Ways = {}): Promise<World> {
    const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-history-'))
    const token = randomBytes(16).toString('hex')
    const server = new ServerProcess({ dataDir, token })
    try {
      await server.start()
    } catch (error) {
      await rm(dataDir, { recursive: true, force: true, maxRetries: 3 })
      throw error
    }
    const proxy = await CuttingProxy.open(() => server.port)
    return new World(dataDir, server, proxy, token, ways)
  }

  /** Makes a stream, from the inside; asks until it is there. Throws where it cannot be had. */
  async create(stream: string): Promise<void> {
    await this.#insist({
      method: 'POST',
      path: '/test/create',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream }),
    })
  }

  /** Makes a stream over HTTP, with its first event; asks until it is there. Throws where it cannot be had. */
  async put(stream: string, event: string): Promise<void> {
    const append = this.history.invoke({ producer: 'the maker', stream, events: [event] })
    const headers = { 'content-type': 'application/json' }
    const answer = await this.#insist({ method: 'PUT', path: streamPath(stream), headers, body: `[${event}]` })
    // Where it was there already the tail is told, which may have moved on.
    const offset = answer.status === 201 ? { offset: String(answer.headers['stream-next-offset']) } : {}
    this.history.settle(append, 'ok', offset)
  }

  /** The whole stream as it is read now. Throws where it cannot be read, or where its pages do not join. */
  async readLog(stream: string): Promise<FinalLog> {
    const events: string[] = []
    for (let offset = '-1'; ; ) {
      const { headers, text } = await this.#insist({ path: streamPath(stream, { offset }) })
      events.push(...(JSON.parse(text) as unknown[]).map(canonical))
      offset = String(headers['stream-next-offset'])
      const { incarnation = 0, seq = 0 } = parseOffset(offset) ?? {}
      if (seq !== events.length) throw new Error(`${stream} has ${events.length} events up to ${offset}`)
      const sealed = headers['stream-closed'] === 'true'
      if (headers['stream-up-to-date'] === 'true') return { stream, incarnation, events, sealed }
    }
  }

  /** Kills the server once more, and holds what was told against what is there then. */
  async verdict(streams: readonly string[]): Promise<Violation[]> {
    await this.server.kill()
    await this.server.start()
    const logs: FinalLog[] = []
    const found: Violation[] = this.server.deaths.map((text) => ({ kind: 'died', stream: '', text }))
    for (const stream of streams) {
      try {
        logs.push(await this.readLog(stream))
        if (room.match(stream)) await this.#lastLook(stream)
      } catch (error) {
        found.push({ kind: 'unreadable', stream, text: error instanceof Error ? error.message : String(error) })
      }
    }
    return [...found, ...checkHistory(this.history, logs, (stream) => (room.match(stream) ? room : null))]
  }

  async #lastLook(stream: string): Promise<void> {
    const { text } = await this.#insist({ path: streamPath(stream, { view: 'state' }) })
    const { state, offset, sealed } = JSON.parse(text)
    this.history.states.push({ reader: 'the last look', stream, state, offset, sealed })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pool.close()
    this.place.agent.destroy()
    await this.proxy.close()
    await this.server.close()
    await rm(this.#dataDir, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Asks again for as long as there is no answer, or one that says to. */
  async #insist(asked: Parameters<typeof ask>[1]): Promise<Answered> {
    const end = systemClock.now() + INSIST_MS
    for (;;) {
      const answer = await ask(this.place, asked).catch(() => null)
      if (answer && answer.status < 300) return answer
      const isFinal = answer !== null && answer.status !== 503
      if (isFinal || systemClock.now() > end) {
        throw new Error(`${asked.path} answered ${answer ? `${answer.status} ${answer.text}` : 'nothing'}`)
      }
      await sleep(systemClock, 50)
    }
  }
}

function named<Way extends { name: string }>(all: readonly Way[], names: readonly string[] | undefined): Way[] {
  return all.filter(({ name }) => names?.includes(name) ?? true)
}
