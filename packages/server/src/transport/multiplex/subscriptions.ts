import { HoldfastError, isHoldfastError, OFFSET_NOW, OFFSET_START, type Offset, parseOffset } from '@holdfast/protocol'
import { asHoldfastError, knownOf, type OnFault } from '../../hub/faults.ts'
import type { Hub } from '../../hub/hub.ts'
import type { StreamInfo, StreamLog } from '../../log/stream-log.ts'
import type { StreamRegistry } from '../../log/stream-registry.ts'
import type { Limits } from '../limits.ts'
import { checkStreamName } from '../read-request.ts'
import type { FrameSink } from './frame-sink.ts'
import { StreamSubscription, type SubscriptionOwner } from './stream-subscription.ts'

export interface SubscriptionsWorld {
  hub: Hub
  log: StreamLog
  registry: StreamRegistry
  limits: Pick<Limits, 'subscriptions'>
  onFault: OnFault
}

/** The connection that reads. */
export interface Reading {
  readonly peer: FrameSink
  mayRead(stream: string): boolean
  /** A subscription has read what there is for now, or is over. */
  settled?(): void
}

export interface SubscribeFrame {
  stream: string
  from?: string
  conflate?: boolean
}

/** Where a subscription begins; with the state there, where that was asked for. */
interface Start {
  from: Offset | null
  state?: { state: unknown; version: number }
}

// Pages of the log that one connection has read for it at a time: some, so that many streams do not wait for one
// another's store, and few, since a page has to be held until it is written.
const READS_AT_A_TIME = 4

/**
 * What one connection reads. While there is room its subscriptions read from the log in turn, a page each, so that a
 * busy stream does not keep the others waiting; what is live needs no turn.
 */
export class Subscriptions implements SubscriptionOwner {
  readonly #world: SubscriptionsWorld
  readonly #reader: Reading
  readonly #byStream = new Map<string, StreamSubscription>()
  /** Those that have something to read from the log, in the order they get their turn. */
  readonly #waiting = new Set<StreamSubscription>()
  #reading = 0
  #isTurning = false

  constructor(world: SubscriptionsWorld, reader: Reading) {
    this.#world = world
    this.#reader = reader
  }

  get size(): number {
    return this.#byStream.size
  }

  /** Whether all that stand have read what there was: what comes now is live. */
  get isSettled(): boolean {
    return this.#waiting.size === 0 && this.#reading === 0
  }

  get peer(): FrameSink {
    return this.#reader.peer
  }

  /** Throws what refuses the subscription. */
  async subscribe({ stream, from, conflate = false }: SubscribeFrame): Promise<void> {
    const { log, registry, hub, limits } = this.#world
    checkStreamName(stream)
    this.#demandRead(stream)
    if (this.#byStream.has(stream)) throw new HoldfastError('CONFLICT', `"${stream}" is read here already.`)
    if (this.#byStream.size >= limits.subscriptions) {
      throw new HoldfastError('TOO_MANY_SUBSCRIPTIONS', `One connection reads at most ${limits.subscriptions} streams.`)
    }
    const definition = registry.find(stream)
    const replacementKey = conflate && definition ? definition.replacementKey : undefined
    const subscription = new StreamSubscription(this, hub, stream, replacementKey)
    // From here on the stream is taken, though there is no answer yet.
    this.#byStream.set(stream, subscription)
    try {
      const info = await log.info(stream)
      if (!info) throw new HoldfastError('NOT_FOUND', `There is no stream "${stream}".`)
      const start = await this.#startOf(info, from)
      if (subscription.isClosed) return
      log.touch(info)
      // Whoever asked may have become somebody else in the meantime.
      this.#demandRead(stream)
      subscription.begin(info, start.from, start.state)
    } catch (error) {
      if (subscription.isClosed) return
      this.#forget(subscription)
      throw this.#known(error, stream)
    }
  }

  unsubscribe(stream: string): void {
    const subscription = this.#byStream.get(stream)
    if (subscription) this.#forget(subscription)
    this.peer.say({ type: 'unsubscribed', stream })
  }

  /** Ends those that the principal may not read any more. */
  check(): void {
    for (const subscription of [...this.#byStream.values()]) {
      if (!this.#reader.mayRead(subscription.stream)) this.ended(subscription, forbidden(subscription.stream))
    }
  }

  /** There is room again. */
  room(): void {
    this.#turn()
  }

  close(): void {
    for (const subscription of [...this.#byStream.values()]) this.#forget(subscription)
  }

  /** Has something to read from the log: it gets its turn. */
  wait(subscription: StreamSubscription): void {
    this.#waiting.add(subscription)
    this.didRead(subscription)
    this.#turn()
  }

  /** Has read what it was told to. */
  didRead(subscription: StreamSubscription): void {
    if (!subscription.isReading) return
    subscription.isReading = false
    this.#reading -= 1
    this.#turn()
    this.#reader.settled?.()
  }

  ended(subscription: StreamSubscription, error: HoldfastError | null): void {
    this.#forget(subscription)
    const { stream } = subscription
    if (error) this.peer.say({ type: 'error', stream, error: this.#known(error, stream).toProblem() })
    this.#reader.settled?.()
  }

  /** Its position is no more: it goes on where there is something to go on from. */
  async reset(subscription: StreamSubscription, gone: HoldfastError): Promise<void> {
    const { stream } = subscription
    try {
      const { info, offset, state } = await this.#nextStart(stream)
      if (subscription.isClosed) return
      this.peer.say({ type: 'reset', stream, offset, error: gone.toProblem(), ...state })
      subscription.restart(info, offset)
    } catch (error) {
      if (subscription.isClosed) return
      this.ended(subscription, asHoldfastError(error))
    }
  }

  async #startOf(info: StreamInfo, from: string = OFFSET_START): Promise<Start> {
    if (from === OFFSET_START) return { from: null }
    if (from === OFFSET_NOW) return { from: info.tail }
    if (from !== 'state') {
      if (parseOffset(from) === null) throw new HoldfastError('INVALID_OFFSET', 'That is no offset.')
      return { from }
    }
    const definition = this.#world.registry.find(info.name)
    if (!definition) throw new HoldfastError('NO_FOLD', `The stream "${info.name}" is not of a defined kind.`)
    const { state, offset, version } = await this.#world.log.state(definition, info.name)
    return { from: offset, state: { state, version } }
  }

  /** The state and the tail, or the first event that is kept where there is no state to be had. */
  async #nextStart(stream: string) {
    const { log, registry } = this.#world
    const definition = registry.find(stream)
    const info = await log.info(stream)
    if (!info) throw new HoldfastError('NOT_FOUND', `There is no stream "${stream}".`)
    if (!definition) return { info, offset: info.head }
    try {
      const { state, version, offset } = await log.state(definition, stream)
      return { info, offset, state: { state, version } }
    } catch (error) {
      if (isHoldfastError(error, 'NO_FOLD') || isHoldfastError(error, 'STATE_TOO_LARGE')) {
        return { info, offset: info.head }
      }
      throw error
    }
  }

  #demandRead(stream: string): void {
    if (!this.#reader.mayRead(stream)) throw forbidden(stream)
  }

  /** What a reader may know of it; the rest is for our own eyes. */
  #known(error: unknown, stream: string): HoldfastError {
    return knownOf(error, stream, this.#world.onFault)
  }

  #forget(subscription: StreamSubscription): void {
    subscription.close()
    if (this.#byStream.get(subscription.stream) === subscription) this.#byStream.delete(subscription.stream)
    this.#waiting.delete(subscription)
    this.didRead(subscription)
  }

  /**
   * Lets those read that have their turn. Not at once: whoever gives up its turn within a delivery is ready to be told
   * to go on only after it.
   */
  #turn(): void {
    if (this.#isTurning || this.#waiting.size === 0) return
    this.#isTurning = true
    queueMicrotask(() => {
      this.#isTurning = false
      for (const subscription of this.#waiting) {
        if (this.#reading >= READS_AT_A_TIME || this.peer.isFull || this.peer.isOver) return
        this.#waiting.delete(subscription)
        subscription.isReading = true
        this.#reading += 1
        subscription.read()
      }
    })
  }
}

function forbidden(stream: string): HoldfastError {
  return new HoldfastError('FORBIDDEN', `You may not read "${stream}".`)
}
