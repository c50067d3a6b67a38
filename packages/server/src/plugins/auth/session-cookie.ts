import { createHmac, timingSafeEqual } from 'node:crypto'

const VERSION = 'v2'

export interface Session {
  /** On this node's clock, in Unix ms. */
  expiresAt: number
  /** On the store's clock, which all nodes share. */
  signedInAt: number
}

/** A signed statement that its bearer signed in as the operator, when, and until when. Nothing of the token is in it. */
export function signSession(key: Buffer, { expiresAt, signedInAt }: Session): string {
  const claim = `${VERSION}.${Math.floor(expiresAt)}.${Math.floor(signedInAt)}`
  return `${claim}.${mac(key, claim)}`
}

/**
 * The session of a cookie; `null` where it is none of ours or expired at `now`. Takes the same time whatever is wrong
 * with it.
 */
export function verifySession(key: Buffer, cookie: string, now: number): Session | null {
  const [version, expiresAt, signedInAt, signature] = cookie.split('.')
  const genuine = equalText(signature ?? '', mac(key, `${version}.${expiresAt}.${signedInAt}`))
  const session = { expiresAt: Number(expiresAt), signedInAt: Number(signedInAt) }
  return genuine && version === VERSION && session.expiresAt > now ? session : null
}

/** Compares two texts without telling by the time it takes where they differ; whether their lengths do, it tells. */
export function equalText(a: string, b: string): boolean {
  return comparison(b)(a)
}

/** The same with one side known beforehand. */
export function comparison(secret: string): (text: string) => boolean {
  const expected = Buffer.from(secret)
  return (text) => {
    const given = Buffer.from(text)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

function mac(key: Buffer, claim: string): string {
  return createHmac('sha256', key).update(claim).digest('base64url')
}
