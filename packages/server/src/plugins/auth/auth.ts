import cookie from '@fastify/cookie'
import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import { endOf } from '../../transport/credential.ts'
import type { Sessions } from '../../transport/sessions.ts'
import { mayUseCookie } from '../origins.ts'
import type { Identities, Identity } from './identities.ts'
import { demand, OPERATOR_ID, type Principal, SESSION_MS } from './principal.ts'
import type { Revocations } from './revocations.ts'
import { tokenRoutes } from './token-routes.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; `null` only on public routes. */
    principal: Principal | null
  }
  interface FastifyContextConfig {
    /** Anybody may ask: the page's files, health, signing in. */
    public?: boolean
    /** `?token=` counts, for browsers that can send no header here; on upgrades to WebSocket it always does. */
    tokenInQuery?: boolean
  }
}

export interface AuthOptions {
  identities: Identities
  /** Origins besides the server's own whose pages may act with a cookie. */
  allowedOrigins: readonly string[]
  clock: Clock
  newId: () => string
  revocations: Revocations
  sessions: Pick<Sessions, 'kick'>
  /** There are other nodes on the store. */
  shared: boolean
}

const COOKIE = 'holdfast_session'
// What somebody must be allowed to manage who ends the connections of others, or signs the operator out everywhere.
const SESSIONS = 'operators/sessions'
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Yields the principal of every request, and lets nobody without one past, except to routes marked public. Bearer
 * tokens are for programs: the operator's own, or one that was made for somebody. Browsers open `/login?token=…` once
 * and carry a signed HttpOnly cookie from then on. With a cookie, whatever changes something or opens a socket must
 * come from a page of ours (Origin), for the browser sends cookies along whoever's page asks.
 */
export const auth = fastifyPlugin(async (app: FastifyInstance, options: AuthOptions) => {
  await app.register(cookie)
  app.decorateRequest('principal', null)
  app.decorateRequest('credential', null)
  const { identities, revocations, shared } = options
  await revocations.open({ watch: shared })
  app.addHook('onClose', () => revocations.close())

  // With a callback: this is in every request's way, and mostly there is nothing to wait for.
  app.addHook('onRequest', (request, _, done) => {
    const admit = (identity: Identity | null) => done(refusalOf(request, identity))
    const fail = (error: unknown) => done(error as Error)
    try {
      const token = tokenOf(request)
      if (token === null) return admit(byCookie(request, options))
      const operator = token.inQuery ? null : identities.byOperatorToken(token.text)
      if (operator) return admit(operator)
      byToken(request, token.text, identities).then(admit, fail)
    } catch (error) {
      fail(error)
    }
  })

  app.get('/login', { config: { public: true }, schema: { hide: true } }, async (request, reply) => {
    const { token } = request.query as { token?: unknown }
    if (typeof token !== 'string' || !identities.isOperators(token)) {
      request.log.warn({ security: 'login_refused', ip: request.ip }, 'a sign-in was refused')
      return reply.redirect('/?login=refused', 303)
    }
    const signedInAt = await revocations.signIn(OPERATOR_ID)
    const expiresAt = options.clock.now() + SESSION_MS
    reply.setCookie(COOKIE, identities.signCookie({ expiresAt, signedInAt }), {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: request.protocol === 'https',
      expires: new Date(expiresAt),
    })
    // The address bar and the history keep the path they are sent to, not the token.
    return reply.header('referrer-policy', 'no-referrer').redirect('/', 303)
  })

  app.get('/api/me', { schema: { summary: 'Who is asking, and what they may do' } }, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    return { ...request.principal, expiresAt: endOf(request.credential) }
  })
  tokenRoutes(app, { ...options, tokens: identities.tokens })
  signingOut(app, options)
})

const SignOut = z.object({ everywhere: z.enum(['true', 'false']).optional() })
const Kick = z.strictObject({
  principal: z.string().min(1).max(200),
  revoke: z.boolean().default(false).describe('Also end their sessions and tokens: they have to be let in anew.'),
})

function signingOut(app: FastifyInstance, { revocations, sessions }: AuthOptions): void {
  const typed = app.withTypeProvider<ZodTypeProvider>()

  typed.post('/logout', { schema: { hide: true, querystring: SignOut } }, async ({ principal, query, log }, reply) => {
    if (query.everywhere === 'true' && principal) {
      // The operator gives tokens away that are in their own name and let do little.
      if (principal.kind === 'operator') demand(principal, 'manage', SESSIONS)
      await revocations.revoke(principal.id)
      log.info({ security: 'signed_out_everywhere', principal: principal.id }, 'sessions were revoked')
    }
    return reply.clearCookie(COOKIE, { path: '/' }).code(204).send()
  })

  typed.post(
    '/api/sessions/kick',
    {
      schema: {
        summary: "End a principal's live connections on every node",
        description: `They may come back at once, unless \`revoke\` is true: then the cookies and tokens they had from before
count no more.`,
        body: Kick,
      },
    },
    async ({ principal, body, log }, reply) => {
      demand(principal, 'manage', SESSIONS)
      if (body.revoke) await revocations.revoke(body.principal)
      sessions.kick(body.principal)
      const { revoke } = body
      log.info({ security: 'kicked', principal: body.principal, revoke }, 'live connections were ended')
      return reply.code(204).send()
    },
  )
}

/** Takes in who asks; answers what keeps them out, if anything. */
function refusalOf(request: FastifyRequest, identity: Identity | null): HoldfastError | undefined {
  request.principal = identity?.principal ?? null
  request.credential = identity?.credential ?? null
  if (identity || request.routeOptions.config.public || request.is404) return undefined
  if (request.ws) {
    request.log.warn({ security: 'handshake_refused', reason: 'no_token', ip: request.ip }, 'an upgrade was refused')
  }
  return new HoldfastError('UNAUTHENTICATED', 'Sign in with the link the server printed when it started.')
}

async function byToken(request: FastifyRequest, token: string, identities: Identities): Promise<Identity | null> {
  const identity = await identities.byToken(token)
  if (typeof identity !== 'string') return identity
  request.log.warn({ security: 'token_refused', reason: identity, ip: request.ip }, 'a token was refused')
  // What anybody may see, they may also see with a token that is old.
  if (request.routeOptions.config.public) return null
  throw new HoldfastError(
    'UNAUTHENTICATED',
    identity === 'expired' ? 'That token has expired.' : 'That token is not valid.',
  )
}

function byCookie(request: FastifyRequest, { identities, allowedOrigins }: AuthOptions): Identity | null {
  const session = request.cookies[COOKIE]
  const identity = session === undefined ? null : identities.byCookie(session)
  if (identity) checkOrigin(request, allowedOrigins)
  return identity
}

/** The token that was sent; `null` where there is none. One that was sent counts alone, whatever cookie is beside it. */
function tokenOf(request: FastifyRequest): { text: string; inQuery: boolean } | null {
  const text = bearerToken(request.headers.authorization)
  if (text !== null) return { text, inQuery: false }
  if (!request.ws && !request.routeOptions.config.tokenInQuery) return null
  const { token } = request.query as { token?: unknown }
  if (token === undefined) return null
  return { text: typeof token === 'string' ? token : '', inQuery: true }
}

/** `null` where none was sent: other schemes, such as a proxy's Basic, are not for us. Source: RFC 6750, 2.1. */
function bearerToken(header: string | undefined): string | null {
  const [, token] = /^Bearer(?: +(.*))?$/i.exec(header ?? '') ?? [null, null]
  return token === null ? null : (token ?? '')
}

/** Source: OWASP, Cross-Site Request Forgery Prevention, "Verifying origin with standard headers". */
function checkOrigin(request: FastifyRequest, allowed: readonly string[]): void {
  const { origin, host, upgrade } = request.headers
  if (SAFE_METHODS.has(request.method) && upgrade === undefined) return
  if (origin === undefined || mayUseCookie(origin, host, allowed)) return
  request.log.warn({ security: 'origin_refused', origin, ip: request.ip }, 'a request from a foreign page was refused')
  throw new HoldfastError('FORBIDDEN', `Pages of ${origin} may not act here.`)
}
