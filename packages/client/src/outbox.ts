import { isOpen, retryDelay } from './connection-policy.ts'
import type { Append, Appended, Link } from './link.ts'
import { RequestError } from './request.ts'
import type { ClientWorld } from './world.ts'

/** An append that waits or is on its way. */
export interface Entry {
  /** Grows; names it where it is kept. */
  id: string
  stream: string
  events: unknown[]
  seal?: boolean | undefined
  /** The number it was first sent with, or is to be sent with again. */
  sent?: { producer: string; epoch: number; seq: number } | undefined
}

/** Where appends outlive the page. */
export interface Keep {
  /** Those of pages that are gone, in the order they were made. */
  adopt(): Promise<Entry[]>
  put(entry: Entry): Promise<void>
  remove(id: string): Promise<void>
}

export interface OutboxOptions {
  world: ClientWorld
  link: Link
  /** Absent: what was not sent goes with the page. */
  keep?: Keep | null
  /** Most appends, and most characters of them, that wait at a time. Default 1,000 and 1,000,000. */
  limits?: { appends: number; characters: number } | undefined
}

interface Waiting extends Entry {
  characters: number
  resolve(appended: Appended): void
  reject(error: RequestError): void
}

/** One stream's appends, in their order. */
interface Queue {
  entries: Waiting[]
  isSending: boolean
  failures: number
  /** The producer's numbers there. */
  epoch: number
  seq: number
  producer: string
}

/**
 * Appends that are made once and arrive once, whenever there is a way. Those to one stream go one after the other,
 * each with a producer's number, so that one whose answer was lost is sent again as it was and taken once. They wait
 * while there is no connection; more than may wait are refused with QUEUE_FULL. What the server refuses for good is
 * refused to whoever made it, and those after it go on.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #queues = new Map<string, Queue>()
  readonly #listeners = new Set<() => void>()
  readonly #cancels = new Set<() => void>()
  readonly #producer: string
  readonly #stopStatus: () => void
  #wasOpen: boolean
  #isClosed = false
  #characters = 0
  #count = 0
  #ids = 0

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#producer = options.world.id()
    this.#wasOpen = isOpen(options.link.status.connection)
    this.#stopStatus = options.link.onStatus(() => this.#wake())
    if (options.keep) void this.#adopt(options.keep)
  }

  /** How many wait or are on their way. */
  get size(): number {
    return this.#count
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves when the events are on disk. Throws RequestError, QUEUE_FULL at once. */
  append(stream: string, events: unknown[], { seal }: { seal?: boolean } = {}): Promise<Appended> {
    this.#ids += 1
    const { clock } = this.#options.world
    const id = `${String(clock.now()).padStart(16, '0')} ${this.#producer} ${String(this.#ids).padStart(9, '0')}`
    return this.#add({ id, stream, events, ...(seal && { seal }) })
  }

  close(): void {
    this.#isClosed = true
    this.#stopStatus()
    for (const cancel of this.#cancels) cancel()
    for (const { entries } of this.#queues.values()) {
      for (const { reject } of entries) reject(RequestError.unreachable())
    }
    this.#queues.clear()
  }

  #add(entry: Entry): Promise<Appended> {
    if (this.#isClosed) return Promise.reject(RequestError.unreachable())
    const characters = JSON.stringify(entry.events).length
    const { appends, characters: most } = this.#options.limits ?? { appends: 1000, characters: 1_000_000 }
    if (this.#count >= appends || this.#characters + characters > most) return Promise.reject(queueFull(this.#count))
    this.#count += 1
    this.#characters += characters
    const queue = this.#queueOf(entry.stream)
    const { promise, resolve, reject } = Promise.withResolvers<Appended>()
    const waiting: Waiting = { ...entry, characters, resolve, reject }
    queue.entries.push(waiting)
    // What is not kept yet is lost with the page like what was never made.
    void this.#options.keep?.put(entry)
    this.#tell()
    void this.#send(queue)
    return promise
  }

  #queueOf(stream: string): Queue {
    const known = this.#queues.get(stream)
    if (known) return known
    const queue = { entries: [], isSending: false, failures: 0, epoch: 0, seq: 0, producer: this.#producer }
    this.#queues.set(stream, queue)
    return queue
  }

  async #adopt(keep: Keep): Promise<void> {
    for (const entry of await keep.adopt()) {
      // Nobody waits for it any more.
      this.#add(entry).catch(() => {})
    }
  }

  async #send(queue: Queue): Promise<void> {
    if (queue.isSending) return
    queue.isSending = true
    for (let entry = queue.entries[0]; entry; entry = queue.entries[0]) {
      const settle = await this.#sendOne(queue, entry)
      if (!settle) break
      queue.entries.shift()
      this.#forget(entry)
      settle()
    }
    queue.isSending = false
  }

  /** How to tell whoever made it; `null` where it is to be sent again. */
  async #sendOne(queue: Queue, entry: Waiting): Promise<(() => void) | null> {
    const { link, keep } = this.#options
    const sent = entry.sent ?? { producer: queue.producer, epoch: queue.epoch, seq: queue.seq }
    if (!entry.sent) {
      entry.sent = sent
      await keep?.put(strip(entry))
    }
    const { stream, events, seal } = entry
    const append: Append = {
      stream,
      events,
      producer: { id: sent.producer, epoch: sent.epoch, seq: sent.seq },
      ...(seal && { seal }),
    }
    try {
      const appended = await link.append(append)
      if (sent.producer === queue.producer) queue.seq = sent.seq + 1
      queue.failures = 0
      return () => entry.resolve(appended)
    } catch (error) {
      return this.#onFailed(queue, entry, RequestError.from(error))
    }
  }

  #onFailed(queue: Queue, entry: Waiting, error: RequestError): (() => void) | null {
    if (error.code === 'PRODUCER_GAP') {
      // The stream is another than the one it was numbered for: numbers begin anew there.
      queue.epoch += 1
      queue.seq = 0
      entry.sent = undefined
    } else if (!error.retry) {
      return () => entry.reject(error)
    }
    if (this.#isClosed) return null
    queue.failures += 1
    const { world } = this.#options
    const cancel = world.clock.after(retryDelay(queue.failures, world.random, error.retryAfter), () => {
      this.#cancels.delete(cancel)
      void this.#send(queue)
    })
    this.#cancels.add(cancel)
    return null
  }

  /** There may be a way again: nobody waits for the end of a pause. */
  #wake(): void {
    const wasOpen = this.#wasOpen
    this.#wasOpen = isOpen(this.#options.link.status.connection)
    if (wasOpen || !this.#wasOpen) return
    for (const queue of this.#queues.values()) if (queue.entries.length > 0) void this.#send(queue)
  }

  #forget(entry: Waiting): void {
    this.#count -= 1
    this.#characters -= entry.characters
    void this.#options.keep?.remove(entry.id)
    this.#tell()
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

function strip({ id, stream, events, seal, sent }: Waiting): Entry {
  return { id, stream, events, ...(seal && { seal }), ...(sent && { sent }) }
}

function queueFull(waiting: number): RequestError {
  const fields = { code: 'QUEUE_FULL', status: 0, kind: 'limit', retry: true } as const
  return new RequestError(`${waiting} changes wait to be sent. Nothing more can wait until they are.`, fields)
}
