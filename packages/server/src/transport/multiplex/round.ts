import { type HoldfastError, OFFSET_START, parseOffset, type ServerFrame } from '@holdfast/protocol'
import { type Gathered, processTurn, type Turn } from '../../hub/turn.ts'
import type { LiveResponse } from '../sessions.ts'
import { drainFrame } from './connection-frames.ts'
import type { FrameSink } from './frame-sink.ts'
import { frameBytes } from './frame-texts.ts'
import { ManyStreams, type ReadAsked, type ReadWorld } from './many-streams.ts'
import type { SubscribeFrame } from './subscriptions.ts'

// A page of each comes before the second of any; smaller ones would cost more reads than they are worth.
const MIN_PAGE_LENGTH = 16_384
// How much longer than it may wait a round takes where the store does not answer.
const STORE_PATIENCE_MS = 10_000
const BEGIN = Buffer.from('{"frames":[')
const COMMA = Buffer.from(',')
const END = Buffer.from(']}')

const { encode, encodingOf } = frameBytes((json) => Buffer.from(json))

/**
 * One answer with frames of many streams: what there is, up to a bound, or the first that comes. It ends at the end of
 * a turn of the event loop, with all that came in it.
 */
export class Round implements FrameSink, LiveResponse, Gathered {
  readonly encodingOf = encodingOf
  readonly pageLength: number
  readonly #world: ReadWorld
  readonly #turn: Turn
  readonly #waitMs: number
  readonly #streams: ManyStreams
  readonly #answer = Promise.withResolvers<Buffer>()
  readonly #frames: Buffer[] = []
  #bytes = 0
  /** There is something to tell: nobody waits any longer. */
  #hasNews: boolean
  #isTimeUp = false
  #isEnding = false
  #isOver = false
  #cancelTimer = () => {}

  constructor(world: ReadWorld, { wanted, mayRead }: ReadAsked, waitMs: number) {
    this.#world = world
    this.#turn = world.turn ?? processTurn
    this.pageLength = Math.max(MIN_PAGE_LENGTH, Math.floor(world.limits.sendBufferBytes / wanted.length))
    this.#waitMs = waitMs
    // Who does not know yet where they stand is not kept waiting for it.
    this.#hasNews = wanted.some(({ from = OFFSET_START }) => parseOffset(from) === null)
    this.#streams = new ManyStreams(world, {
      wanted: rotated(wanted, world.random),
      mayRead,
      sink: this,
      onProgress: () => this.#check(),
    })
  }

  /** The answer's JSON. Rejects where it is refused meanwhile. */
  read(): Promise<Buffer> {
    const { clock } = this.#world
    if (this.#waitMs > 0) this.#cancelTimer = clock.after(this.#waitMs, () => this.#endWait())
    else this.#endWait()
    this.#streams.go()
    return this.#answer.promise
  }

  get buffered(): number {
    return this.#bytes
  }

  get subscriptions(): number {
    return this.#streams.size
  }

  get isFull(): boolean {
    return this.#bytes >= this.#world.limits.sendBufferBytes
  }

  get isOver(): boolean {
    return this.#isOver
  }

  write(frame: Buffer): void {
    this.#hasNews = true
    this.#add(frame)
  }

  say(frame: ServerFrame): void {
    if (frame.type !== 'subscribed' && frame.type !== 'up_to_date') this.#hasNews = true
    this.#add(encode(frame))
  }

  /** Answers with what is there. */
  close(): void {
    this.#end()
  }

  drain(): void {
    this.say(drainFrame(this.#world.random))
    this.#end()
  }

  refuse(error: HoldfastError): void {
    this.#stop()
    this.#answer.reject(error)
  }

  flush(): void {
    this.#end()
  }

  #endWait(): void {
    this.#isTimeUp = true
    this.#cancelTimer = this.#world.clock.after(STORE_PATIENCE_MS, () => this.#end())
    this.#check()
  }

  #add(frame: Buffer): void {
    if (this.#isOver) return
    this.#frames.push(this.#frames.length === 0 ? BEGIN : COMMA, frame)
    this.#bytes += frame.length + 1
    this.#check()
  }

  #check(): void {
    if (this.#isEnding) return
    const isReady = this.#streams.isSettled && (this.#hasNews || this.#isTimeUp || this.#streams.isOver)
    if (!isReady && !this.isFull) return
    this.#isEnding = true
    this.#turn.write(this)
  }

  #end(): void {
    if (this.#isOver) return
    this.#stop()
    this.#answer.resolve(Buffer.concat(this.#frames.length === 0 ? [BEGIN, END] : [...this.#frames, END]))
  }

  #stop(): void {
    this.#cancelTimer()
    this.#isOver = true
    this.#streams.close()
  }
}

/** Another one first each time: where a round cannot hold all, none is left out for ever. */
function rotated(wanted: readonly SubscribeFrame[], random: () => number): SubscribeFrame[] {
  const first = Math.floor(random() * wanted.length)
  return [...wanted.slice(first), ...wanted.slice(0, first)]
}
