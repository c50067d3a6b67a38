import type { ClientFrame, ServerFrame } from '@holdfast/protocol'
import { WebSocket } from 'ws'
import type { History } from './history.ts'
import type { Place } from './place.ts'

type Named = Extract<ServerFrame, { stream: string } | { type: 'error' }>

/** One `/v1/ws` connection with many streams on it, each read by one reader at a time; and appends. */
export class SharedSocket {
  readonly #socket: WebSocket
  readonly #readers = new Map<string, (frame: Named | null) => void>()
  readonly #appends = new Map<string | number, (frame: ServerFrame | null) => void>()
  #refs = 0
  #isOpen = true
  /** Said before the connection stood. */
  #unsent: string[] = []
  #port: number | undefined

  constructor({ token, nextPort }: Place, history: History) {
    const headers = { authorization: `Bearer ${token}` }
    this.#socket = new WebSocket(`ws://127.0.0.1:${nextPort()}/v1/ws`, { headers, perMessageDeflate: false })
    this.#socket.on('message', (data) => this.#take(JSON.parse(String(data)) as ServerFrame))
    this.#socket.on('upgrade', ({ socket }) => {
      this.#port = socket.localPort
    })
    this.#socket.on('open', () => {
      history.connected({ reader: 'whoever shares it', stream: 'every stream', manner: 'shared socket' }, this.#port)
      for (const text of this.#unsent) this.#socket.send(text, () => {})
      this.#unsent = []
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#isOpen = false
      for (const tell of [...this.#readers.values(), ...this.#appends.values()]) tell(null)
    })
  }

  /** Whether a reader of this stream finds room here. */
  hasRoomFor(stream: string): boolean {
    return this.#isOpen && !this.#readers.has(stream)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** `onFrame` hears every frame of the stream, and `null` when the connection is lost. */
  subscribe(frame: Extract<ClientFrame, { type: 'subscribe' }>, onFrame: (frame: Named | null) => void): void {
    this.#readers.set(frame.stream, onFrame)
    this.#send(frame)
  }

  /** The stream's place is free again once the server has said so: until then frames of it are on their way. */
  unsubscribe(stream: string): void {
    this.#readers.set(stream, (frame) => {
      if (frame === null || frame.type === 'unsubscribed' || frame.type === 'error') this.#readers.delete(stream)
    })
    this.#send({ type: 'unsubscribe', stream })
  }

  /** The reader's subscription has ended by itself. */
  release(stream: string): void {
    this.#readers.delete(stream)
  }

  /** The answer, or `null` where the connection was lost before it. */
  append(frame: Omit<Extract<ClientFrame, { type: 'append' }>, 'type' | 'ref'>): Promise<ServerFrame | null> {
    if (!this.#isOpen) return Promise.resolve(null)
    this.#refs += 1
    const ref = `a${this.#refs}`
    return new Promise((resolve) => {
      this.#appends.set(ref, (answer) => {
        this.#appends.delete(ref)
        resolve(answer)
      })
      this.#send({ type: 'append', ref, ...frame })
    })
  }

  close(): void {
    this.#socket.terminate()
  }

  #send(frame: ClientFrame): void {
    const text = JSON.stringify(frame)
    // What cannot be sent is answered by `close`.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text, () => {})
    else this.#unsent.push(text)
  }

  #take(frame: ServerFrame): void {
    if ('ref' in frame && frame.ref !== undefined) this.#appends.get(frame.ref)?.(frame)
    else if ('stream' in frame && frame.stream !== undefined) this.#readers.get(frame.stream)?.(frame as Named)
  }
}

/** As many connections as the readers of one stream need, each shared by the readers of many streams. */
export class SocketPool {
  readonly #place: Place
  readonly #history: History
  readonly #sockets = new Set<SharedSocket>()

  constructor(place: Place, history: History) {
    this.#place = place
    this.#history = history
  }

  for(stream: string): SharedSocket {
    for (const socket of this.#sockets) {
      if (!socket.isOpen) this.#sockets.delete(socket)
      else if (socket.hasRoomFor(stream)) return socket
    }
    const socket = new SharedSocket(this.#place, this.#history)
    this.#sockets.add(socket)
    return socket
  }

  /** One for appends, whoever reads on it. */
  any(): SharedSocket {
    return this.for('')
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }
}
