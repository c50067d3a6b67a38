import type { Offset, ServerFrame } from '@holdfast/protocol'
import { Carrier } from './carrier.ts'
import { isOpen, retryDelay } from './connection-policy.ts'
import type { Credentials } from './credentials.ts'
import type { Append, Appended, Link, LinkStatus, Role, StreamReader } from './link.ts'
import { isBefore } from './position.ts'
import { RequestError, send } from './request.ts'
import type { Wanted, Welcome } from './transports/transport.ts'

export interface DirectLinkOptions {
  credentials: Credentials
  role: Role
  /** Told what the server says at the beginning. */
  onWelcome?: ((welcome: Welcome) => void) | undefined
}

/** A stream that somebody reads. */
interface Stream {
  readers: Set<StreamReader>
  /** How far it was handed on; `null` until somebody has a position. */
  position: Offset | null
  /** When it was begun again last, and the way to call off that it is done once more. */
  alignedAt: number
  cancelAlign: (() => void) | null
  failures: number
}

interface Waiting {
  resolve(appended: Appended): void
  reject(error: RequestError): void
}

/** One stream is begun again at most this often, ms. */
const ALIGN_MS = 250

/** A connection of one's own: hands on what comes, and goes on with every stream where it was, whatever carries it. */
export class DirectLink implements Link {
  readonly #role: Role
  readonly #world: Credentials['world']
  readonly #carrier: Carrier
  readonly #streams = new Map<string, Stream>()
  readonly #listeners = new Set<() => void>()
  readonly #appends = new Map<number, Waiting>()
  #status: LinkStatus
  #refs = 0

  constructor({ credentials, role, onWelcome }: DirectLinkOptions) {
    this.#role = role
    this.#world = credentials.world
    this.#carrier = new Carrier({
      credentials,
      wanted: () => this.#wanted(),
      onFrame: (frame) => this.#receive(frame),
      onWelcome,
      onChange: () => this.#tell(),
      onDropped: () => this.#refuseAppends(),
    })
    this.#status = this.#look()
  }

  get status(): LinkStatus {
    return this.#status
  }

  onStatus(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  open(stream: string, reader: StreamReader): () => void {
    const known = this.#streams.get(stream)
    if (known) known.readers.add(reader)
    else {
      const fresh = { position: null, alignedAt: Number.NEGATIVE_INFINITY, cancelAlign: null, failures: 0 }
      this.#streams.set(stream, { readers: new Set([reader]), ...fresh })
    }
    if (reader.position !== null) this.align(stream, reader.position)
    this.#carrier.connect()
    return () => {
      const left = this.#streams.get(stream)
      if (left?.readers.delete(reader) && left.readers.size === 0) this.#leave(stream, left)
    }
  }

  align(stream: string, position: Offset): void {
    const known = this.#streams.get(stream)
    if (!known) return
    if (known.position === null) {
      known.position = position
      this.#carrier.subscribe(stream, position)
    } else if (isBefore(position, known.position)) {
      this.#beginAgain(stream, known, position)
    }
  }

  append(append: Append): Promise<Appended> {
    this.#carrier.connect()
    if (!isOpen(this.#carrier.connection)) return Promise.reject(this.#carrier.error ?? RequestError.unreachable())
    this.#refs += 1
    const ref = this.#refs
    if (!this.#carrier.send({ type: 'append', ref, ...append })) return this.#post(append)
    return new Promise((resolve, reject) => this.#appends.set(ref, { resolve, reject }))
  }

  reconnect(): void {
    if (this.#streams.size > 0) this.#carrier.connect(true)
  }

  close(): void {
    for (const { cancelAlign } of this.#streams.values()) cancelAlign?.()
    this.#streams.clear()
    this.#carrier.disconnect()
  }

  #leave(stream: string, { cancelAlign, position }: Stream): void {
    cancelAlign?.()
    this.#streams.delete(stream)
    if (position !== null) this.#carrier.unsubscribe(stream)
    this.#endWhenIdle()
  }

  #endWhenIdle(): void {
    if (this.#streams.size === 0 && this.#appends.size === 0) this.#carrier.disconnect()
  }

  #tell(): void {
    this.#status = this.#look()
    for (const listener of [...this.#listeners]) listener()
  }

  #look(): LinkStatus {
    const { connection, error } = this.#carrier
    return { connection, error, role: this.#role }
  }

  /** What became of them is not known; they may be sent again. */
  #refuseAppends(): void {
    const waiting = [...this.#appends.values()]
    this.#appends.clear()
    for (const { reject } of waiting) reject(RequestError.unreachable())
  }

  #wanted(): Wanted[] {
    return [...this.#streams].flatMap(([stream, { position, readers, cancelAlign }]) => {
      // What is to be begun again later is asked for then, and only once.
      if (position === null || cancelAlign) return []
      const asking = [...readers].filter(({ poll }) => poll)
      const poll = asking.length === readers.size ? (signal: AbortSignal) => pollAll(asking, signal) : undefined
      return [{ stream, from: position, poll }]
    })
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'subscribed':
      case 'events':
      case 'up_to_date':
      case 'sealed':
      case 'reset':
        this.#receiveOf(frame)
        break
      case 'appended':
        this.#carrier.received()
        this.#settle(frame.ref, ({ resolve }) => resolve({ offset: frame.offset }))
        break
      case 'error': {
        const error = RequestError.fromProblem(frame.error)
        if (frame.ref !== undefined) this.#settle(frame.ref, ({ reject }) => reject(error))
        else if (frame.stream !== undefined) this.#failStream(frame.stream, error)
      }
    }
  }

  #receiveOf(frame: Extract<ServerFrame, { type: 'subscribed' | 'events' | 'up_to_date' | 'sealed' | 'reset' }>): void {
    const known = this.#streams.get(frame.stream)
    if (!known) return
    known.position = frame.offset
    known.failures = 0
    this.#carrier.received()
    // Nothing follows. Whoever misses something before the end, or reads the state just now, has it begun again.
    if (frame.type === 'sealed') {
      known.position = null
      known.cancelAlign?.()
      known.cancelAlign = null
    }
    for (const reader of [...known.readers]) {
      if (frame.type === 'reset') reader.reset(RequestError.fromProblem(frame.error))
      else if (frame.type !== 'subscribed') reader.receive(frame)
    }
  }

  #failStream(stream: string, error: RequestError): void {
    const known = this.#streams.get(stream)
    if (!known) return
    if (error.retry) {
      known.failures += 1
      known.cancelAlign?.()
      const wait = retryDelay(known.failures, this.#world.random, error.retryAfter)
      known.cancelAlign = this.#world.clock.after(wait, () => {
        known.cancelAlign = null
        if (known.position !== null) this.#carrier.subscribe(stream, known.position)
      })
      return
    }
    known.cancelAlign?.()
    this.#streams.delete(stream)
    for (const reader of [...known.readers]) reader.fail(error)
    this.#endWhenIdle()
  }

  #beginAgain(stream: string, known: Stream, position: Offset): void {
    const { clock } = this.#world
    const wait = known.alignedAt + ALIGN_MS - clock.now()
    known.position = position
    known.cancelAlign?.()
    const begin = () => {
      known.alignedAt = clock.now()
      known.cancelAlign = null
      this.#carrier.unsubscribe(stream)
      if (known.position !== null) this.#carrier.subscribe(stream, known.position)
    }
    // A clock that was set back would have it wait for as long.
    if (wait <= 0 || wait > ALIGN_MS) begin()
    else known.cancelAlign = clock.after(wait, begin)
  }

  #settle(ref: unknown, what: (waiting: Waiting) => void): void {
    const waiting = this.#appends.get(ref as number)
    if (!waiting) return
    this.#appends.delete(ref as number)
    what(waiting)
    this.#endWhenIdle()
  }

  async #post({ stream, events, producer, seal }: Append): Promise<Appended> {
    const headers = {
      'content-type': 'application/json',
      'producer-id': producer.id,
      'producer-epoch': String(producer.epoch),
      'producer-seq': String(producer.seq),
      ...(seal && { 'stream-closed': 'true' }),
    }
    const body = JSON.stringify(events)
    const response = await send(this.#world, `/v1/stream/${stream}`, { method: 'POST', headers, body })
    return { offset: response.headers.get('stream-next-offset') ?? '' }
  }
}

async function pollAll(readers: StreamReader[], signal: AbortSignal): Promise<void> {
  await Promise.all(readers.map((reader) => reader.poll?.(signal)))
}
