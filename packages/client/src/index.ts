export { claimOnce } from './claim-once.ts'
export {
  CONNECT_TIMEOUT_MS,
  IDLE,
  type LinkConnection,
  type LinkState,
  MAX_ATTEMPTS,
  PROBE_MS,
  retryDelay,
  TRANSPORTS,
  type TransportName,
} from './connection-policy.ts'
export { type Connection, type ConnectionState, NOT_CONNECTED } from './connection-view.ts'
export { type AccessToken, Credentials, type TokenSource } from './credentials.ts'
export { DirectLink } from './direct-link.ts'
export type { Append, Appended, Link, LinkStatus, Role, StreamReader } from './link.ts'
export { placeOf } from './position.ts'
export { RequestError, type RequestErrorFields, request } from './request.ts'
export { type Me, type PageConnection, StreamClient, type StreamClientOptions } from './stream-client.ts'
export {
  type FoldedStream,
  type LoadedState,
  type StreamSnapshot,
  StreamStore,
  type StreamStoreOptions,
} from './stream-store.ts'
export {
  browserWorld,
  type ClientWorld,
  type Connectivity,
  type TabChannel,
  type TabLocks,
  type Tabs,
  type WebSocketLike,
} from './world.ts'
