export {
  CONNECT_TIMEOUT_MS,
  type Connection,
  type ConnectionInput,
  type ConnectionState,
  IDLE,
  MAX_ATTEMPTS,
  nextConnection,
  retryDelay,
} from './connection-policy.ts'
export { RequestError, type RequestErrorFields, request } from './request.ts'
export { type PageConnection, StreamClient } from './stream-client.ts'
export { StreamConnection, type StreamConnectionOptions } from './stream-connection.ts'
export {
  type FoldedStream,
  type LoadedState,
  type StreamSnapshot,
  StreamStore,
  type StreamStoreOptions,
} from './stream-store.ts'
export { type Decode, decodeEvent, decodeFrame, type Received } from './wire.ts'
export { browserWorld, type ClientWorld, type Connectivity, type WebSocketLike } from './world.ts'
