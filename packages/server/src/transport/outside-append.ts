import { type Clock, type EventBase, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { AnyStream, AppendOutcome, AppendRequest, StreamLog } from '../log/stream-log.ts'
import type { StreamRegistry } from '../log/stream-registry.ts'
import { isJson } from './content/media-type.ts'

export interface OutsideAppendOptions {
  log: StreamLog
  registry: StreamRegistry
  clock: Clock
}

/**
 * Appends from outside, the same over HTTP and WebSocket; whether whoever asks `can` append is decided before. A stream
 * of no defined kind takes whatever is of its content type. A defined one takes its own events only, where its
 * definition says `clientAppend`: each is checked and completed as the server's own are, and a terminal one ends it.
 * Nothing else does: an app's stream ends with the event that says how.
 *
 * Throws FORBIDDEN, INVALID_INPUT naming the fields, and what `StreamLog.appendFrom` throws.
 */
export class OutsideAppend {
  readonly #log: StreamLog
  readonly #registry: StreamRegistry
  readonly #clock: Clock

  constructor({ log, registry, clock }: OutsideAppendOptions) {
    this.#log = log
    this.#registry = registry
    this.#clock = clock
  }

  async append(stream: string, request: AppendRequest): Promise<AppendOutcome> {
    const definition = this.#registry.find(stream)
    return this.#log.appendFrom(stream, definition ? this.#checked(definition, stream, request) : request)
  }

  /** Streams of apps are made and deleted by their apps. Throws FORBIDDEN for a defined stream's name. */
  demandUndefined(stream: string): void {
    if (this.#registry.find(stream)) throw new HoldfastError('FORBIDDEN', `"${stream}" is an app's own stream.`)
  }

  #checked(definition: AnyStream, stream: string, request: AppendRequest): AppendRequest {
    if (!definition.clientAppend) throw new HoldfastError('FORBIDDEN', `"${stream}" is written by its app alone.`)
    // Refused by the log: a defined stream is JSON.
    if (request.messages.length > 0 && !isJson(request.contentType ?? '')) return request
    const events = request.messages.map((text, index, all) =>
      all.length > 1 ? this.#parseOneOfMany(definition, text, index) : this.#parse(definition, text),
    )
    const seal = events.some(({ type }) => definition.isTerminal(type))
    if (request.seal && !seal) {
      throw new HoldfastError('FORBIDDEN', `"${stream}" ends with the event that says so, and in no other way.`)
    }
    return { ...request, messages: events.map(toText), seal }
  }

  /** Says of which event what is wrong. */
  #parseOneOfMany(definition: AnyStream, text: string, index: number): EventBase {
    try {
      return this.#parse(definition, text)
    } catch (error) {
      if (!isHoldfastError(error, 'INVALID_INPUT')) throw error
      const errors = error.errors?.map(({ field, message }) => ({ field: `[${index}].${field}`, message }))
      const about = `Of the events the one at [${index}] is not valid: ${error.message}`
      throw new HoldfastError('INVALID_INPUT', about, { cause: error, ...(errors ? { errors } : {}) })
    }
  }

  #parse(definition: AnyStream, text: string): EventBase {
    return definition.parse(JSON.parse(text), this.#clock.now()) as EventBase
  }
}

/** A schema may let through what is nested deeper than it can be written again. */
function toText(event: EventBase): string {
  try {
    return JSON.stringify(event)
  } catch (cause) {
    throw new HoldfastError('INVALID_INPUT', `The event "${event.type}" is nested too deep.`, { cause })
  }
}
