import { createHmac, timingSafeEqual } from 'node:crypto'

const VERSION = 'v1'

/** A signed statement that its bearer signed in as the operator, until a time. Nothing of the token is in it. */
export function signSession(key: Buffer, expiresAt: number): string {
  const claim = `${VERSION}.${Math.floor(expiresAt)}`
  return `${claim}.${mac(key, claim)}`
}

/** Whether the cookie is one of ours and not expired at `now`. Takes the same time whatever is wrong with it. */
export function verifySession(key: Buffer, cookie: string, now: number): boolean {
  const [version, expiresAt, signature] = cookie.split('.')
  const genuine = equalText(signature ?? '', mac(key, `${version}.${expiresAt}`))
  return genuine && version === VERSION && Number(expiresAt) > now
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
