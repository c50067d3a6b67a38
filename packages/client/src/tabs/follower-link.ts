import type { Offset } from '@holdfast/protocol'
import { IDLE } from '../connection-policy.ts'
import type { Append, Appended, Link, LinkStatus, StreamReader } from '../link.ts'
import { RequestError } from '../request.ts'
import type { ErrorFields, TabMessage } from './tab-messages.ts'

interface Waiting {
  resolve(appended: Appended): void
  reject(error: RequestError): void
}

/** Reads and appends through the tab that holds the connection. */
export class FollowerLink implements Link {
  readonly #tab: string
  readonly #say: (message: TabMessage) => void
  readonly #readers = new Map<string, Set<StreamReader>>()
  readonly #appends = new Map<number, Waiting>()
  readonly #listeners = new Set<() => void>()
  #status: LinkStatus = { connection: { ...IDLE, state: 'connecting' }, error: null, role: 'follower' }
  #refs = 0
  #leader: string | null = null
  /** The last status of the leader's, as text. */
  #said = ''

  constructor(tab: string, say: (message: TabMessage) => void) {
    this.#tab = tab
    this.#say = say
  }

  get status(): LinkStatus {
    return this.#status
  }

  onStatus(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  open(stream: string, reader: StreamReader): () => void {
    const readers = this.#readers.get(stream) ?? new Set()
    this.#readers.set(stream, readers.add(reader))
    if (reader.position !== null) this.align(stream, reader.position)
    return () => {
      if (!readers.delete(reader) || readers.size > 0) return
      this.#readers.delete(stream)
      this.#say({ type: 'close', tab: this.#tab, stream })
    }
  }

  align(stream: string, position: Offset): void {
    this.#say({ type: 'open', tab: this.#tab, stream, position })
  }

  append(append: Append): Promise<Appended> {
    this.#refs += 1
    const ref = this.#refs
    return new Promise((resolve, reject) => {
      this.#appends.set(ref, { resolve, reject })
      this.#say({ type: 'append', tab: this.#tab, ref, append })
    })
  }

  reconnect(): void {
    this.#say({ type: 'reconnect', tab: this.#tab })
  }

  close(): void {
    this.#readers.clear()
    this.#refuseAppends()
  }

  /** Something the other tabs say. */
  hear(message: TabMessage): void {
    switch (message.type) {
      case 'leader':
        this.#onLeader(message)
        break
      case 'frame':
        // Whoever takes in an end leaves by itself; who misses something before it stays, and asks for that.
        for (const reader of this.#of(message.stream)) reader.receive(message.frame)
        break
      case 'reset':
        for (const reader of this.#of(message.stream)) reader.reset(errorOf(message.error))
        break
      case 'fail':
        for (const reader of this.#of(message.stream)) reader.fail(errorOf(message.error))
        break
      case 'settled':
        if (message.to === this.#tab) this.#settle(message)
    }
  }

  #of(stream: string): StreamReader[] {
    return [...(this.#readers.get(stream) ?? [])]
  }

  #onLeader({ tab, isNew, status }: Extract<TabMessage, { type: 'leader' }>): void {
    // Its first word may have been missed.
    if (isNew || tab !== this.#leader) this.#tellAll()
    this.#leader = tab
    const said = JSON.stringify(status)
    // It goes on, and says so to whoever asks.
    if (said === this.#said) return
    this.#said = said
    const error = status.error && errorOf(status.error)
    this.#status = { connection: status.connection, error, role: 'follower' }
    for (const listener of [...this.#listeners]) listener()
  }

  /** Another tab holds the connection now: it is told what is read here. What became of appends is not known. */
  #tellAll(): void {
    for (const [stream, readers] of this.#readers) {
      for (const { position } of readers) if (position !== null) this.align(stream, position)
    }
    this.#refuseAppends()
  }

  #refuseAppends(): void {
    const waiting = [...this.#appends.values()]
    this.#appends.clear()
    for (const { reject } of waiting) reject(RequestError.unreachable())
  }

  #settle({ ref, appended, error }: Extract<TabMessage, { type: 'settled' }>): void {
    const waiting = this.#appends.get(ref)
    this.#appends.delete(ref)
    if (appended) waiting?.resolve(appended)
    else if (error) waiting?.reject(errorOf(error))
  }
}

function errorOf(fields: ErrorFields): RequestError {
  return new RequestError(fields.message, fields)
}
