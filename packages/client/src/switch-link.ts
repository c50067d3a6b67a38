import type { Offset } from '@holdfast/protocol'
import { IDLE } from './connection-policy.ts'
import type { Append, Appended, Link, LinkStatus, StreamReader } from './link.ts'
import { RequestError } from './request.ts'

interface Opened {
  stream: string
  close(): void
}

const NO_WAY: LinkStatus = { connection: { ...IDLE, state: 'connecting' }, error: null, role: 'alone' }

/** A way to the server that can be changed for another: every stream goes on there from its reader's position. */
export class SwitchLink implements Link {
  readonly #listeners = new Set<() => void>()
  readonly #opened = new Map<StreamReader, Opened>()
  #inner: Link | null = null
  #status = NO_WAY
  #stopStatus: (() => void) | undefined

  get status(): LinkStatus {
    return this.#status
  }

  /** What is used now. */
  get inner(): Link | null {
    return this.#inner
  }

  /** Changes over; what was used before is closed. `null`: there is no way until the next. */
  use(link: Link | null): void {
    this.#stopStatus?.()
    this.#inner?.close()
    this.#inner = link
    const tell = () => {
      this.#status = link?.status ?? NO_WAY
      for (const listener of [...this.#listeners]) listener()
    }
    this.#stopStatus = link?.onStatus(tell)
    for (const [reader, opened] of [...this.#opened]) {
      opened.close = link?.open(opened.stream, reader) ?? nothing
    }
    tell()
  }

  onStatus(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  open(stream: string, reader: StreamReader): () => void {
    const opened: Opened = { stream, close: nothing }
    this.#opened.set(reader, opened)
    if (this.#inner) opened.close = this.#inner.open(stream, reader)
    return () => {
      this.#opened.delete(reader)
      opened.close()
    }
  }

  align(stream: string, position: Offset): void {
    this.#inner?.align(stream, position)
  }

  append(append: Append): Promise<Appended> {
    return this.#inner?.append(append) ?? Promise.reject(RequestError.unreachable())
  }

  reconnect(): void {
    this.#inner?.reconnect()
  }

  close(): void {
    this.use(null)
  }
}

function nothing(): void {}
