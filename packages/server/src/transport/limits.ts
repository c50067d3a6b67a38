/** What a single request, connection or address may ask of this server. Whoever asks for more gets a coded answer. */
export interface Limits {
  /** Bytes of a request's body, and of a frame from a client. Beyond: TOO_LARGE. */
  requestBytes: number
  /** Messages of one append. Beyond: TOO_LARGE. */
  appendMessages: number
  /** Streams one WebSocket may read. Beyond: TOO_MANY_SUBSCRIPTIONS. */
  subscriptions: number
  /** Live connections (WebSocket, server-sent events, long-polls) of one address. Beyond: TOO_MANY_CONNECTIONS. */
  connectionsPerAddress: number
  /** Bytes held for one connection that does not take them; about, since a page is never cut. */
  sendBufferBytes: number
}

export const DEFAULT_LIMITS: Limits = {
  requestBytes: 1_048_576,
  appendMessages: 10_000,
  subscriptions: 1_000,
  connectionsPerAddress: 1_000,
  sendBufferBytes: 1_048_576,
}
