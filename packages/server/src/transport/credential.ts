/** What somebody signed in with, and so what ends a live connection when it counts no more. */
export interface Credential {
  /** Id of the principal it makes of its bearer. */
  principal: string
  /** When the session it belongs to began, in Unix ms of the store; `null` for the operator's own token. */
  signedInAt: number | null
  /** When what was opened with it ends, in Unix ms; `null` where it is no token that expires. */
  expiresAt: number | null
}

/** Who is at the other end of a connection. Replaced whole when they sign in again. */
export interface Holder {
  /** What they signed in with. */
  readonly credential: Credential | null
  /** What they may do, in the words of tokens. */
  readonly scope: readonly string[]
  can(action: 'read' | 'append', stream: string): boolean
}

/** Something that somebody was not let do. */
export interface AccessRefusal {
  principal: string | undefined
  action: 'read' | 'append'
  stream: string
  address: string
}

/** Until when what was opened with it stays open: RFC 3339, or `null` where it is no token that expires. */
export function endOf(credential: Credential | null): string | null {
  const expiresAt = credential?.expiresAt ?? null
  return expiresAt === null ? null : new Date(expiresAt).toISOString()
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What `principal` came of; `null` where nobody is known. */
    credential: Credential | null
  }
}
