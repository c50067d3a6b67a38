import { createSecretKey, hkdfSync, type webcrypto } from 'node:crypto'
import { errors, type JWTHeaderParameters, jwtVerify, SignJWT } from 'jose'
import * as z from 'zod'
import { parseScope } from './scopes.ts'

/** What a token says. Times in Unix ms. */
export interface TokenClaims {
  subject: string
  scope: readonly string[]
  /** When the session began that it and those it was renewed from belong to; on the store's clock. */
  authTime: number
  issuedAt: number
  /** A whole second. */
  expiresAt: number
  /** Its own name, for the log. */
  id: string
}

type Key = webcrypto.CryptoKey

const ALGORITHM = 'HS256'
const ISSUER = 'holdfast'
const AUDIENCE = 'holdfast'

const Payload = z.object({
  sub: z.string().min(1),
  scope: z.array(z.string().refine((text) => parseScope(text) !== null)),
  auth_time: z.number(),
  iat: z.number(),
  exp: z.int(),
  jti: z.string(),
})

/**
 * Makes and checks the tokens of this server: JSON Web Tokens, HS256 and nothing else. The first secret signs, all of
 * them verify, so that a secret can be replaced without taking anybody's token away.
 * Source: RFC 7519; RFC 8725 (algorithm, issuer and audience are fixed).
 */
export class Tokens {
  /** By the `kid` in a token's header; the first signs. */
  readonly #keys: ReadonlyMap<string, Key>

  constructor(secrets: readonly Buffer[]) {
    this.#keys = new Map(secrets.map((secret) => [derive(secret, 'key id', 9).toString('base64url'), keyOf(secret)]))
  }

  async sign({ subject, scope, authTime, issuedAt, expiresAt, id }: TokenClaims): Promise<string> {
    const [[kid, key] = []] = this.#keys
    if (!kid || !key) throw new RangeError('there is no secret to sign with')
    return new SignJWT({ scope: [...scope], auth_time: authTime / 1000 })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(subject)
      .setIssuedAt(issuedAt / 1000)
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .setJti(id)
      .sign(key)
  }

  /** What the token says at `now`, or why it says nothing. */
  async verify(token: string, now: number): Promise<TokenClaims | 'expired' | 'not_ours'> {
    try {
      const { payload } = await jwtVerify(token, (header) => this.#keyFor(header), {
        algorithms: [ALGORITHM],
        typ: 'JWT',
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['sub', 'iat', 'exp', 'jti'],
        currentDate: new Date(now),
      })
      const said = Payload.safeParse(payload)
      return said.success ? claimsOf(said.data) : 'not_ours'
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      return error instanceof errors.JWTExpired ? 'expired' : 'not_ours'
    }
  }

  #keyFor({ kid }: JWTHeaderParameters): Key {
    const key = kid === undefined ? undefined : this.#keys.get(kid)
    if (!key) throw new errors.JWKSNoMatchingKey()
    return key
  }
}

function claimsOf({ sub, scope, auth_time, iat, exp, jti }: z.infer<typeof Payload>): TokenClaims {
  return {
    subject: sub,
    scope,
    authTime: Math.round(auth_time * 1000),
    issuedAt: Math.round(iat * 1000),
    expiresAt: exp * 1000,
    id: jti,
  }
}

/** Keys for one use each, from a secret that is itself none: a cookie's key signs no token. Source: RFC 5869. */
function derive(secret: Buffer, use: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'holdfast', `token ${use}`, length))
}

function keyOf(secret: Buffer): Key {
  const bytes = createSecretKey(derive(secret, 'signature', 32))
  return bytes.toCryptoKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
}
