import type { Clock } from '@holdfast/protocol'
import { asHoldfastError } from '../../hub/faults.ts'
import type { Turn } from '../../hub/turn.ts'
import type { Limits } from '../limits.ts'
import type { FrameSink } from './frame-sink.ts'
import { Opening } from './opening.ts'
import { type SubscribeFrame, Subscriptions, type SubscriptionsWorld } from './subscriptions.ts'

/** What responses that read many streams stand on. */
export interface ReadWorld extends SubscriptionsWorld {
  limits: Limits
  clock: Clock
  /** Default: that of the process. */
  turn?: Turn
  /** Evenly spread from 0 to below 1. */
  random: () => number
}

/** What somebody asks to read, and whether they may. */
export interface ReadAsked {
  wanted: readonly SubscribeFrame[]
  mayRead: (stream: string) => boolean
}

export interface ManyStreamsOptions extends ReadAsked {
  sink: FrameSink
  /** A stream has read what there is for now, is over, or was answered. */
  onProgress: () => void
}

/** The streams that one request asked for, read into its response. */
export class ManyStreams {
  readonly #sink: FrameSink
  readonly #subscriptions: Subscriptions
  readonly #opening: Opening

  constructor(world: SubscriptionsWorld, { wanted, mayRead, sink, onProgress }: ManyStreamsOptions) {
    this.#sink = sink
    this.#subscriptions = new Subscriptions(world, { peer: sink, mayRead, settled: onProgress })
    this.#opening = new Opening({
      wanted,
      subscribe: (frame) => this.#subscribe(frame),
      hasRoom: () => !sink.isFull && !sink.isOver,
      onAnswered: onProgress,
    })
  }

  /** Streams that are read. */
  get size(): number {
    return this.#subscriptions.size
  }

  /** Whether each was answered, and none has anything left to read. */
  get isSettled(): boolean {
    return this.#opening.isDone && this.#subscriptions.isSettled
  }

  /** Whether each was answered, and is over. */
  get isOver(): boolean {
    return this.#opening.isDone && this.#subscriptions.size === 0
  }

  /** Begins, or goes on now that there is room. */
  go(): void {
    this.#opening.go()
    this.#subscriptions.room()
  }

  close(): void {
    this.#subscriptions.close()
  }

  async #subscribe(frame: SubscribeFrame): Promise<void> {
    try {
      await this.#subscriptions.subscribe(frame)
    } catch (error) {
      this.#sink.say({ type: 'error', stream: frame.stream, error: asHoldfastError(error).toProblem() })
    }
  }
}
