import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { HoldfastError, ServerFrame } from '@holdfast/protocol'
import type { Holder } from '../credential.ts'
import type { LiveResponse } from '../sessions.ts'
import { drainFrame, heartbeatFrame, welcomeFrame } from './connection-frames.ts'
import type { FrameSink } from './frame-sink.ts'
import { frameBytes } from './frame-texts.ts'
import { ManyStreams, type ReadAsked, type ReadWorld } from './many-streams.ts'

export interface EventResponseAsked extends ReadAsked {
  /** Who asks. */
  holder: Holder
}

const HEARTBEAT_MS = 15_000
const END_PATIENCE_MS = 30_000
const LINE_BREAKS = /[\r\n]+/g

/**
 * One frame is one event without a name, on one line. A writer's own line breaks, which would end it, can only stand
 * between the parts of JSON, where a space means the same.
 */
const { encode, encodingOf } = frameBytes((json) => Buffer.from(`data:${json.replace(LINE_BREAKS, ' ')}\n\n`))

/** Many streams in one response of server-sent events, until all are over, the peer leaves or the server goes. */
export class EventResponse implements FrameSink, LiveResponse {
  readonly encodingOf = encodingOf
  readonly #response: ServerResponse
  readonly #world: ReadWorld
  readonly #holder: Holder
  readonly #streams: ManyStreams
  /** Below its own mark a response does not say when it has drained. */
  readonly #limit: number
  #cancelTimer = () => {}
  #isOver = false

  constructor(response: ServerResponse, world: ReadWorld, asked: EventResponseAsked) {
    this.#response = response
    this.#world = world
    this.#holder = asked.holder
    this.#limit = Math.max(world.limits.sendBufferBytes, response.writableHighWaterMark)
    this.#streams = new ManyStreams(world, { ...asked, sink: this, onProgress: () => this.#endIfOver() })
  }

  /** Writes the head and begins to read. */
  open(headers: OutgoingHttpHeaders): void {
    const { limits, clock } = this.#world
    this.#response.on('close', () => this.#stop())
    this.#response.on('drain', () => this.#streams.go())
    this.#response.writeHead(200, headers)
    this.say(welcomeFrame(limits, clock, HEARTBEAT_MS, this.#holder))
    this.#waitToBeat()
    this.#streams.go()
  }

  get buffered(): number {
    return this.#response.writableLength
  }

  get subscriptions(): number {
    return this.#streams.size
  }

  get isFull(): boolean {
    return this.#response.writableLength >= this.#limit
  }

  get isOver(): boolean {
    return this.#isOver
  }

  write(frame: Buffer): void {
    if (!this.#isOver) this.#response.write(frame)
  }

  say(frame: ServerFrame): void {
    this.write(encode(frame))
  }

  /** They may come back. */
  close(): void {
    this.#end()
  }

  drain(): void {
    this.say(drainFrame(this.#world.random))
    this.#end()
  }

  refuse(error: HoldfastError): void {
    this.say({ type: 'error', error: error.toProblem() })
    this.#end()
  }

  #endIfOver(): void {
    if (this.#streams.isOver) this.#end()
  }

  /** Whoever does not take in within a while what was said last is cut off. */
  #end(): void {
    if (this.#isOver) return
    this.#stop()
    this.#cancelTimer = this.#world.clock.after(END_PATIENCE_MS, () => this.#response.destroy())
    this.#response.end()
  }

  #waitToBeat(): void {
    this.#cancelTimer = this.#world.clock.after(HEARTBEAT_MS, () => {
      // Whoever has that much to take in will see that the response lives.
      if (!this.isFull) this.say(heartbeatFrame(this.#world.clock))
      this.#waitToBeat()
    })
  }

  #stop(): void {
    this.#cancelTimer()
    this.#isOver = true
    this.#streams.close()
  }
}
