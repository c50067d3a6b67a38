/** What somebody signed in with, and so what ends a live connection when it counts no more. */
export interface Credential {
  /** Id of the principal it makes of its bearer. */
  principal: string
  /** When the session it belongs to began, in Unix ms of the store; `null` for a token. */
  signedInAt: number | null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What `principal` came of; `null` where nobody is known. */
    credential: Credential | null
  }
}
