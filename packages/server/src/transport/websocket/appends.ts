import { type ClientFrame, HoldfastError, type ServerFrame } from '@holdfast/protocol'
import type { AppendOutcome, AppendRequest, StreamLog } from '../../log/stream-log.ts'
import { isJson } from '../content/media-type.ts'
import type { OutsideAppend } from '../outside-append.ts'
import { checkStreamName } from '../read-request.ts'
import { rawEvents } from './raw-events.ts'

export type AppendFrame = Extract<ClientFrame, { type: 'append' }>
type Appended = Extract<ServerFrame, { type: 'appended' }>

export interface AppendsOptions {
  log: StreamLog
  outside: OutsideAppend
  /** Most events of one append. */
  maxEvents: number
}

// Streams whose kind a connection remembers.
const REMEMBERED = 1_000

/**
 * Appends of one connection. Those to one stream take effect in the order they were asked for, without waiting for one
 * another's way to the disk: what is made ready in turn is the question only, and the log judges in order. What a frame's
 * events stand for depends on the stream's content type, which is looked up once; the log refuses another.
 */
export class Appends {
  readonly #options: AppendsOptions
  /** The append of each stream that was made ready last. */
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #contentTypes = new Map<string, string>()

  constructor(options: AppendsOptions) {
    this.#options = options
  }

  /** `text`: the frame as it came. Throws what refuses the append. */
  async append(frame: AppendFrame, text: string): Promise<Appended> {
    const { stream, ref } = frame
    const before = this.#last.get(stream) ?? Promise.resolve()
    const asked = before.then(() => this.#ask(frame, text))
    const last: Promise<void> = asked.then(
      () => this.#forget(stream, last),
      () => this.#forget(stream, last),
    )
    this.#last.set(stream, last)
    const outcome = await (await asked).outcome
    if (outcome.type !== 'content_type_mismatch') return answerTo(outcome, stream, ref)
    // It was made anew since it was looked up.
    this.#contentTypes.delete(stream)
    return answerTo(await (await this.#ask(frame, text)).outcome, stream, ref)
  }

  /** In an object, or whoever waits for the asking would wait for the outcome. */
  async #ask(frame: AppendFrame, text: string): Promise<{ outcome: Promise<AppendOutcome> }> {
    const { outside, maxEvents } = this.#options
    const { stream, events, producer, seal } = frame
    if (events.length > maxEvents) {
      throw new HoldfastError('TOO_LARGE', `One append holds at most ${maxEvents} events, not ${events.length}.`)
    }
    if (events.length === 0 && !seal) {
      throw new HoldfastError('INVALID_INPUT', 'An append without events only ends a stream.', {
        errors: [{ field: 'events', message: 'is empty' }],
      })
    }
    const { contentType, messages } = await this.#messages(frame, text)
    const request: AppendRequest = {
      messages,
      ...(events.length > 0 ? { contentType } : {}),
      ...(producer ? { producer } : {}),
      ...(seal ? { seal } : {}),
    }
    return { outcome: outside.append(stream, request) }
  }

  async #messages({ stream, events }: AppendFrame, text: string): Promise<{ contentType: string; messages: string[] }> {
    const known = this.#contentTypes.get(stream)
    // What does not fit what is remembered may fit what the stream is by now.
    const fits = known !== undefined && (isJson(known) || events.every(isBase64))
    const contentType = fits ? known : await this.#lookUp(stream)
    return { contentType, messages: isJson(contentType) ? rawEvents(text) : events.map(checkBase64) }
  }

  async #lookUp(stream: string): Promise<string> {
    const info = await this.#options.log.info(checkStreamName(stream))
    if (!info) throw new HoldfastError('NOT_FOUND', `There is no stream "${stream}".`)
    if (this.#contentTypes.size >= REMEMBERED) this.#contentTypes.clear()
    this.#contentTypes.set(stream, info.contentType)
    return info.contentType
  }

  #forget(stream: string, last: Promise<unknown>): void {
    if (this.#last.get(stream) === last) this.#last.delete(stream)
  }
}

function isBase64(event: unknown): event is string {
  return typeof event === 'string' && event !== '' && Buffer.from(event, 'base64').toString('base64') === event
}

function checkBase64(event: unknown, index: number): string {
  if (isBase64(event)) return event
  throw new HoldfastError('INVALID_INPUT', 'The events of a stream that is not JSON are texts in base64.', {
    errors: [{ field: `events[${index}]`, message: event === '' ? 'is empty' : 'is not base64' }],
  })
}

function answerTo(outcome: AppendOutcome, stream: string, ref: string | number): Appended {
  switch (outcome.type) {
    case 'appended':
    case 'duplicate':
      return {
        type: 'appended',
        ref,
        stream,
        offset: outcome.tail,
        ...(outcome.type === 'duplicate' ? { duplicate: true } : {}),
        ...(outcome.sealed ? { sealed: true } : {}),
      }
    case 'sealed':
      throw new HoldfastError('STREAM_SEALED', `"${stream}" has ended at ${outcome.tail}.`)
    case 'content_type_mismatch':
      throw new HoldfastError('CONTENT_TYPE_MISMATCH', `"${stream}" holds ${outcome.contentType}.`)
    case 'producer_fenced':
      throw fieldError('PRODUCER_FENCED', 'producer.epoch', `${outcome.epoch} is at work`)
    case 'producer_gap':
      throw fieldError('PRODUCER_GAP', 'producer.seq', `expected ${outcome.expected}, received ${outcome.received}`)
    case 'producer_epoch_start':
      throw fieldError('INVALID_INPUT', 'producer.seq', 'a new epoch begins at 0')
    case 'sequence_conflict':
      throw new HoldfastError('SEQUENCE_CONFLICT', `The last one was "${outcome.last}".`)
  }
}

function fieldError(code: 'PRODUCER_FENCED' | 'PRODUCER_GAP' | 'INVALID_INPUT', field: string, message: string) {
  return new HoldfastError(code, undefined, { errors: [{ field, message }] })
}
