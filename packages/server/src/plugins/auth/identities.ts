import { createHmac } from 'node:crypto'
import type { Clock } from '@holdfast/protocol'
import type { Credential, Holder } from '../../transport/credential.ts'
import { can, kindOf, OPERATOR_ID, type Principal } from './principal.ts'
import type { Revocations } from './revocations.ts'
import { EVERYTHING } from './scopes.ts'
import { comparison, type Session, signSession, verifySession } from './session-cookie.ts'
import { Tokens } from './tokens.ts'

/** Somebody, and how that is known. */
export interface Identity {
  principal: Principal
  credential: Credential
}

/** Why a token makes nobody of its bearer; for the log. */
export type Refusal = 'not_ours' | 'expired' | 'signed_out'

export interface IdentitiesOptions {
  operatorToken: string
  /** The first signs, all verify. At least one. */
  secrets: readonly Buffer[]
  clock: Clock
  revocations: Pick<Revocations, 'isVoid'>
}

const OPERATOR: Principal = { kind: 'operator', id: OPERATOR_ID, scope: [EVERYTHING] }
const BY_OPERATOR_TOKEN: Identity = {
  principal: OPERATOR,
  credential: { principal: OPERATOR_ID, signedInAt: null, expiresAt: null },
}

/** Who somebody is, by what they show: the operator's token, a token of ours, or a session cookie. */
export class Identities {
  readonly tokens: Tokens
  readonly isOperators: (token: string) => boolean
  readonly #options: IdentitiesOptions
  readonly #keys: readonly Buffer[]

  constructor(options: IdentitiesOptions) {
    this.#options = options
    const { operatorToken, secrets } = options
    this.isOperators = comparison(operatorToken)
    // Another operator token makes all earlier sessions and tokens worthless: whoever had it could have made any.
    this.#keys = secrets.map((secret) => createHmac('sha256', secret).update(operatorToken).digest())
    this.tokens = new Tokens(this.#keys)
  }

  /** By the operator's own token, which is compared and nothing more. */
  byOperatorToken(token: string): Identity | null {
    return token !== '' && this.isOperators(token) ? BY_OPERATOR_TOKEN : null
  }

  /** By a token that this server made. */
  async byToken(token: string): Promise<Identity | Refusal> {
    const claims = await this.tokens.verify(token, this.#options.clock.now())
    if (typeof claims === 'string') return claims
    const { subject, scope, authTime, expiresAt } = claims
    const credential = { principal: subject, signedInAt: authTime, expiresAt }
    if (this.#options.revocations.isVoid(credential)) return 'signed_out'
    return { principal: { kind: kindOf(subject), id: subject, scope }, credential }
  }

  /** By whichever of the two it is. */
  async byEither(token: string): Promise<Identity | Refusal> {
    return this.byOperatorToken(token) ?? this.byToken(token)
  }

  byCookie(cookie: string): Identity | null {
    const { clock, revocations } = this.#options
    for (const key of this.#keys) {
      const session = verifySession(key, cookie, clock.now())
      if (!session) continue
      const credential = { principal: OPERATOR_ID, signedInAt: session.signedInAt, expiresAt: null }
      return revocations.isVoid(credential) ? null : { principal: OPERATOR, credential }
    }
    return null
  }

  /** A cookie's value. */
  signCookie(session: Session): string {
    const [key] = this.#keys
    if (!key) throw new RangeError('there is no secret to sign with')
    return signSession(key, session)
  }
}

const holders = new WeakMap<Credential, Holder>()

/** As transports know somebody; one for all connections that were opened with the same. */
export function holderOf({ principal, credential }: Identity): Holder {
  const known = holders.get(credential)
  if (known) return known
  const { scope } = principal
  const holder: Holder = { credential, scope, can: (action, stream) => can(principal, action, stream) }
  holders.set(credential, holder)
  return holder
}
