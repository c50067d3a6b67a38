export { type Clock, sleep, systemClock } from './clock.ts'
export { CLOSE, shouldReconnect } from './close-codes.ts'
export { conflate, conflateTexts } from './conflate.ts'
export {
  defineStream,
  type EventBase,
  type EventInput,
  type EventOf,
  type Retention,
  type StreamDefinition,
  type StreamOptions,
  type StreamParams,
} from './define-stream.ts'
export {
  ERRORS,
  type ErrorCode,
  type ErrorKind,
  type FieldError,
  HoldfastError,
  type HoldfastErrorOptions,
  isHoldfastError,
  type Problem,
} from './errors.ts'
export type {
  ClientFrame,
  ConnectionLimits,
  Ref,
  ServerFrame,
  StreamFrame,
  SubscribeFrom,
} from './frames.ts'
export {
  compareOffsets,
  formatOffset,
  OFFSET_NOW,
  OFFSET_START,
  type Offset,
  type Position,
  parseOffset,
} from './offset.ts'
