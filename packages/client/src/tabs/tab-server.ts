import type { Offset } from '@holdfast/protocol'
import type { Link, StreamReader } from '../link.ts'
import { RequestError } from '../request.ts'
import type { ErrorFields, TabMessage } from './tab-messages.ts'

export interface TabServerOptions {
  tab: string
  link: Link
  say(message: TabMessage): void
  /** Calls back once when that tab is gone. */
  onGone(tab: string, then: () => void): void
}

/** A stream that other tabs read. What comes is said once, to all of them. */
interface Served {
  tabs: Set<string>
  close(): void
}

/** Lets other tabs read and append through this one's connection. */
export class TabServer {
  readonly #options: TabServerOptions
  readonly #served = new Map<string, Served>()
  readonly #tabs = new Set<string>()
  readonly #stop: () => void

  constructor(options: TabServerOptions) {
    this.#options = options
    this.#stop = options.link.onStatus(() => this.#announce(false))
    this.#announce(true)
  }

  hear(message: TabMessage): void {
    const { link } = this.#options
    switch (message.type) {
      case 'open':
        this.#open(message.stream, message.tab, message.position)
        break
      case 'close':
        this.#close(message.stream, message.tab)
        break
      case 'append':
        this.#meet(message.tab)
        void this.#append(message)
        break
      case 'reconnect':
        link.reconnect()
        break
      case 'ask':
        this.#announce(false)
    }
  }

  close(): void {
    this.#stop()
    for (const { close } of this.#served.values()) close()
    this.#served.clear()
  }

  #announce(isNew: boolean): void {
    const { tab, link, say } = this.#options
    const { connection, error } = link.status
    say({ type: 'leader', tab, isNew, status: { connection, error: error && fieldsOf(error) } })
  }

  #meet(tab: string): void {
    if (this.#tabs.has(tab)) return
    this.#tabs.add(tab)
    this.#options.onGone(tab, () => {
      this.#tabs.delete(tab)
      for (const stream of [...this.#served.keys()]) this.#close(stream, tab)
    })
  }

  #open(stream: string, tab: string, position: Offset): void {
    this.#meet(tab)
    const { link } = this.#options
    const known = this.#served.get(stream)
    if (known) {
      known.tabs.add(tab)
      link.align(stream, position)
    } else {
      const served: Served = { tabs: new Set([tab]), close: () => {} }
      this.#served.set(stream, served)
      served.close = link.open(stream, this.#reader(stream, position))
    }
  }

  #close(stream: string, tab: string): void {
    const known = this.#served.get(stream)
    if (!known?.tabs.delete(tab) || known.tabs.size > 0) return
    this.#served.delete(stream)
    known.close()
  }

  #end(stream: string): void {
    this.#served.get(stream)?.close()
    this.#served.delete(stream)
  }

  #reader(stream: string, position: Offset): StreamReader {
    const { tab, say } = this.#options
    return {
      position,
      receive: (frame) => {
        say({ type: 'frame', tab, stream, frame })
        if (frame.type === 'sealed') this.#end(stream)
      },
      reset: (error) => say({ type: 'reset', tab, stream, error: fieldsOf(error) }),
      fail: (error) => {
        this.#end(stream)
        say({ type: 'fail', tab, stream, error: fieldsOf(error) })
      },
    }
  }

  async #append({ tab: to, ref, append }: Extract<TabMessage, { type: 'append' }>): Promise<void> {
    const { tab, link, say } = this.#options
    try {
      say({ type: 'settled', tab, to, ref, appended: await link.append(append), error: null })
    } catch (error) {
      say({ type: 'settled', tab, to, ref, appended: null, error: fieldsOf(RequestError.from(error)) })
    }
  }
}

function fieldsOf(error: RequestError): ErrorFields {
  return { ...error, message: error.message }
}
