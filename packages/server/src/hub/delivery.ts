import { type Offset, parseOffset } from '@holdfast/protocol'
import type { Committed } from '../db/database.ts'

/** How a transport writes a delivery; one constant object per manner of writing. */
export interface Encoding<Encoded> {
  encode(delivery: Delivery): Encoded
}

export interface DeliveryFields {
  stream: string
  /** Position before the first of `events`. */
  after: Offset
  /** Position after the last of `events`. */
  offset: Offset
  events: readonly string[]
  /** The stream ends at `offset`. */
  sealed: boolean
}

/**
 * A stretch of a stream on its way to readers. Live, one object goes to all of them, and each encoding is made
 * once, however many read it.
 */
export class Delivery implements DeliveryFields {
  readonly stream: string
  readonly after: Offset
  readonly offset: Offset
  readonly events: readonly string[]
  readonly sealed: boolean
  // Nearly always there is one encoding; the next ones go into the map.
  #encoding: Encoding<unknown> | null = null
  #encoded: unknown
  #others: Map<Encoding<unknown>, unknown> | null = null

  constructor({ stream, after, offset, events, sealed }: DeliveryFields) {
    this.stream = stream
    this.after = after
    this.offset = offset
    this.events = events
    this.sealed = sealed
  }

  encoded<Encoded>(encoding: Encoding<Encoded>): Encoded {
    if (this.#encoding === encoding) return this.#encoded as Encoded
    if (this.#encoding === null) {
      this.#encoded = encoding.encode(this)
      this.#encoding = encoding
      return this.#encoded as Encoded
    }
    this.#others ??= new Map()
    if (!this.#others.has(encoding)) this.#others.set(encoding, encoding.encode(this))
    return this.#others.get(encoding) as Encoded
  }

  /** What of a live delivery follows `position`; `null` where the two do not meet. */
  rest(position: Offset): Delivery | null {
    const [after, from] = [parseOffset(this.after), parseOffset(position)]
    if (!after || !from || from.incarnation !== after.incarnation) return null
    // One event is one step of the sequence.
    const known = from.seq - after.seq
    if (known < 0 || known > this.events.length) return null
    const { stream, offset, sealed } = this
    return new Delivery({ stream, after: position, offset, events: this.events.slice(known), sealed })
  }
}

// A stretch that grew beyond this many code units goes as it is, so that no reader is given more at a time than it
// may be made to hold.
const STRETCH_MAX = 65_536

interface Stretch extends DeliveryFields {
  /** Not the array of a commit's own; it may grow. */
  joined: string[] | null
  length: number
}

/** Commits of one stream, told in one turn, put together to as few deliveries as they give. */
export class Stretches {
  readonly #stream: string
  #stretches: Stretch[] = []

  constructor(stream: string) {
    this.#stream = stream
  }

  get isEmpty(): boolean {
    return this.#stretches.length === 0
  }

  add({ after, tail, events, sealed }: Committed): void {
    const length = events.reduce((sum, text) => sum + text.length, 0)
    const last = this.#stretches.at(-1)
    if (last?.offset !== after || last.length >= STRETCH_MAX || last.events.length === 0 || events.length === 0) {
      this.#stretches.push({ stream: this.#stream, after, offset: tail, events, sealed, joined: null, length })
      return
    }
    last.joined ??= [...last.events]
    for (const text of events) last.joined.push(text)
    last.events = last.joined
    last.offset = tail
    last.sealed = sealed
    last.length += length
  }

  /** Takes them out. */
  take(): Delivery[] {
    const stretches = this.#stretches
    this.#stretches = []
    return stretches.map((stretch) => new Delivery(stretch))
  }
}
