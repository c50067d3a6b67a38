import { type ClientFrame, HoldfastError, type Ref } from '@holdfast/protocol'

/** A client's message that could not be understood, with what of it could. */
export interface Malformed {
  type: 'malformed'
  error: HoldfastError
  about: { stream?: string; ref?: Ref }
}

type Fields = Record<string, unknown>

const TEXT_MAX = 512
// As over HTTP.
const PRODUCER_ID_MAX = 255
const TOKEN_MAX = 16_384

/**
 * Reads what a client says. Nothing about it is taken for granted; fields nobody asked for are passed over, since a
 * newer client may send more. `null` is a binary message.
 */
export function parseClientFrame(text: string | null): ClientFrame | Malformed {
  let about: Malformed['about'] = {}
  try {
    const fields = parseObject(text)
    about = aboutOf(fields)
    return frameOf(fields)
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    return { type: 'malformed', error, about }
  }
}

function parseObject(text: string | null): Fields {
  if (text === null) throw new HoldfastError('INVALID_INPUT', 'Frames are text, not binary.')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new HoldfastError('INVALID_INPUT', 'The frame is not JSON.', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HoldfastError('INVALID_INPUT', 'A frame is a JSON object.')
  }
  return value as Fields
}

function aboutOf({ stream, ref }: Fields): Malformed['about'] {
  return { ...(isText(stream) ? { stream } : {}), ...(isRef(ref) ? { ref } : {}) }
}

function frameOf(fields: Fields): ClientFrame {
  switch (fields.type) {
    case 'subscribe':
      return {
        type: 'subscribe',
        stream: required(fields, 'stream', isText),
        ...optional(fields, 'from', isText),
        ...optional(fields, 'conflate', isBoolean),
      }
    case 'unsubscribe':
      return { type: 'unsubscribe', stream: required(fields, 'stream', isText) }
    case 'append':
      return {
        type: 'append',
        ref: required(fields, 'ref', isRef),
        stream: required(fields, 'stream', isText),
        events: required(fields, 'events', Array.isArray),
        ...optional(fields, 'producer', isProducer),
        ...optional(fields, 'seal', isBoolean),
      }
    case 'authenticate':
      return { type: 'authenticate', token: required(fields, 'token', isToken), ...optional(fields, 'ref', isRef) }
    case 'ping':
      return { type: 'ping', ...optional(fields, 'ref', isRef) }
    default:
      throw invalid('type', 'is no frame a client sends')
  }
}

function required<Value>(fields: Fields, name: string, is: (value: unknown) => value is Value): Value {
  const value = fields[name]
  if (value === undefined) throw invalid(name, 'is not there')
  if (!is(value)) throw invalid(name, 'is not valid')
  return value
}

function optional<Name extends string, Value>(
  fields: Fields,
  name: Name,
  is: (value: unknown) => value is Value,
): { [Key in Name]?: Value } {
  if (fields[name] === undefined) return {}
  return { [name]: required(fields, name, is) } as { [Key in Name]?: Value }
}

function invalid(field: string, message: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `The field "${field}" of the frame ${message}.`, {
    errors: [{ field, message }],
  })
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= TEXT_MAX
const isToken = (value: unknown): value is string => typeof value === 'string' && value.length <= TOKEN_MAX
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isRef = (value: unknown): value is Ref => isText(value) || Number.isFinite(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

function isProducer(value: unknown): value is { id: string; epoch: number; seq: number } {
  if (typeof value !== 'object' || value === null) return false
  const { id, epoch, seq } = value as Fields
  return isText(id) && id !== '' && id.length <= PRODUCER_ID_MAX && isCount(epoch) && isCount(seq)
}
