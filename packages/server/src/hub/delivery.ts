import type { Offset } from '@holdfast/protocol'

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
  readonly #encoded = new Map<Encoding<unknown>, unknown>()

  constructor({ stream, after, offset, events, sealed }: DeliveryFields) {
    this.stream = stream
    this.after = after
    this.offset = offset
    this.events = events
    this.sealed = sealed
  }

  encoded<Encoded>(encoding: Encoding<Encoded>): Encoded {
    if (!this.#encoded.has(encoding)) this.#encoded.set(encoding, encoding.encode(this))
    return this.#encoded.get(encoding) as Encoded
  }
}
