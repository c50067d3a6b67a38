import { type Clock, type HoldfastError, OFFSET_NOW, type Offset } from '@holdfast/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Delivery } from '../../hub/delivery.ts'
import type { Hub, Subscriber, Subscription } from '../../hub/hub.ts'
import type { StreamInfo } from '../../log/stream-log.ts'
import { toBody } from '../content/message-bodies.ts'
import type { LiveResponse } from '../sessions.ts'
import { cursorAfter } from './cursor.ts'
import { setPageHeaders } from './page-headers.ts'
import type { StreamHttp, StreamQuery } from './stream-http.ts'

/** GET with `live=long-poll`: what follows the offset, or the wait for it. Source: Durable Streams PROTOCOL.md, 5.7. */
export async function longPoll(
  http: StreamHttp,
  info: StreamInfo,
  asked: Offset | null,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { hub, clock, random, sessions, longPollMs } = http
  const from = asked === OFFSET_NOW ? info.tail : asked
  const poll = new LongPoll({ clock, waitMs: longPollMs })
  const forget = sessions.add(poll, request)
  reply.raw.once('close', () => poll.close())
  const answer = poll.from(hub, info.name, from).finally(forget)
  // Whoever left while the stream was looked up is not heard to close any more.
  if (reply.raw.destroyed) poll.close()
  const delivery = await answer
  const { cursor } = request.query as StreamQuery
  reply.header('cache-control', 'no-store')
  if (!delivery?.sealed) reply.header('stream-cursor', cursorAfter(cursor, clock.now(), random))
  if (delivery && delivery.events.length > 0) {
    const { after, offset, sealed } = delivery
    setPageHeaders(reply, info, { after, offset, sealed, upToDate: poll.upToDate })
    return reply.send(toBody(info.contentType, delivery.events))
  }
  reply.header('stream-next-offset', delivery?.offset ?? from ?? info.head)
  if (delivery) reply.header('stream-up-to-date', 'true')
  if (delivery?.sealed) reply.header('stream-closed', 'true')
  return reply.code(204).send()
}

/** One wait for the next stretch of a stream: it reads as every reader does, and stops with the first events. */
export class LongPoll implements Subscriber, LiveResponse {
  readonly buffered = 0
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #result = Promise.withResolvers<Delivery | null>()
  #subscription: Subscription | null = null
  #cancelTimer = () => {}
  #last: Delivery | null = null
  #upToDate = false

  constructor({ clock, waitMs }: { clock: Clock; waitMs: number }) {
    this.#clock = clock
    this.#waitMs = waitMs
  }

  /** Whether the answer reaches the tail. */
  get upToDate(): boolean {
    return this.#upToDate
  }

  /**
   * The first stretch with events, or one without where the stream has ended or nothing came in time; `null` where it
   * was closed before it knew anything. Rejects where the position cannot be read.
   */
  from(hub: Hub, stream: string, from: Offset | null): Promise<Delivery | null> {
    this.#cancelTimer = this.#clock.after(this.#waitMs, () => this.close())
    this.#subscription = hub.subscribe(stream, from, this)
    return this.#result.promise
  }

  deliver(delivery: Delivery, upToDate: boolean): boolean {
    this.#last = delivery
    this.#upToDate = upToDate
    if (delivery.events.length === 0 && !delivery.sealed) return true
    this.close()
    return false
  }

  complete(): void {
    this.close()
  }

  fail(error: HoldfastError): void {
    this.#stop()
    this.#result.reject(error)
  }

  refuse(error: HoldfastError): void {
    this.fail(error)
  }

  /** Answers with what is there. */
  close(): void {
    this.#stop()
    this.#result.resolve(this.#last)
  }

  #stop(): void {
    this.#cancelTimer()
    this.#subscription?.close()
  }
}
