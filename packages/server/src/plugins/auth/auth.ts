import { createHmac } from 'node:crypto'
import cookie from '@fastify/cookie'
import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { Credential } from '../../transport/credential.ts'
import type { Sessions } from '../../transport/sessions.ts'
import { mayUseCookie } from '../origins.ts'
import { demand, type Principal } from './principal.ts'
import type { Revocations } from './revocations.ts'
import { comparison, signSession, verifySession } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; `null` only on public routes. */
    principal: Principal | null
  }
  interface FastifyInstance {
    /** Who that bearer token makes of whoever has it; `null` for nobody's. */
    identify(token: string): Identity | null
  }
  interface FastifyContextConfig {
    /** Anybody may ask: the page's files, health, signing in. */
    public?: boolean
  }
}

/** Somebody, and how that is known. */
export interface Identity {
  principal: Principal
  credential: Credential
}

export interface AuthOptions {
  operatorToken: string
  /** Signs the session cookies; at least 32 bytes. */
  sessionSecret: Buffer
  /** Origins besides the server's own whose pages may act with a cookie. */
  allowedOrigins: readonly string[]
  clock: Clock
  revocations: Revocations
  sessions: Pick<Sessions, 'kick'>
  /** There are other nodes on the store. */
  shared: boolean
}

const COOKIE = 'holdfast_session'
const SESSION_MS = 30 * 24 * 3600 * 1000
const OPERATOR: Principal = { kind: 'operator', id: 'operator' }
const BY_TOKEN: Identity = { principal: OPERATOR, credential: { principal: OPERATOR.id, signedInAt: null } }
// What somebody must be allowed to manage who ends the connections of others.
const SESSIONS = 'operators/sessions'
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Yields the principal of every request, and lets nobody without one past, except to routes marked public. A bearer
 * token is for programs; browsers open `/login?token=…` once and carry a signed HttpOnly cookie from then on. With a
 * cookie, whatever changes something or opens a socket must come from a page of ours (Origin), for the browser sends
 * cookies along whoever's page asks.
 */
export const auth = fastifyPlugin(async (app: FastifyInstance, options: AuthOptions) => {
  await app.register(cookie)
  app.decorateRequest('principal', null)
  app.decorateRequest('credential', null)
  const { revocations, shared } = options
  await revocations.open({ watch: shared })
  app.addHook('onClose', () => revocations.close())
  // Another operator token makes all earlier sessions worthless.
  const key = createHmac('sha256', options.sessionSecret).update(options.operatorToken).digest()

  const isOperators = comparison(options.operatorToken)
  const identify = (token: string) => (token !== '' && isOperators(token) ? BY_TOKEN : null)
  app.decorate('identify', identify)

  // With a callback: this is in every request's way, and there is nothing to wait for.
  app.addHook('onRequest', (request, _, done) => {
    try {
      const identity = identityOf(request, key, identify, options)
      request.principal = identity?.principal ?? null
      request.credential = identity?.credential ?? null
    } catch (error) {
      return done(error as HoldfastError)
    }
    if (request.principal || request.routeOptions.config.public || request.is404) return done()
    done(new HoldfastError('UNAUTHENTICATED', 'Sign in with the link the server printed when it started.'))
  })

  app.get('/login', { config: { public: true }, schema: { hide: true } }, async (request, reply) => {
    const { token } = request.query as { token?: unknown }
    if (typeof token !== 'string' || !isOperators(token)) {
      request.log.warn({ security: 'login_refused', ip: request.ip }, 'a sign-in was refused')
      return reply.redirect('/?login=refused', 303)
    }
    const signedInAt = await revocations.signIn(OPERATOR.id)
    const expiresAt = options.clock.now() + SESSION_MS
    reply.setCookie(COOKIE, signSession(key, { expiresAt, signedInAt }), {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: request.protocol === 'https',
      expires: new Date(expiresAt),
    })
    // The address bar and the history keep the path they are sent to, not the token.
    return reply.header('referrer-policy', 'no-referrer').redirect('/', 303)
  })

  app.get('/api/me', { schema: { summary: 'Who is asking' } }, async ({ principal }) => principal)

  signingOut(app, options)
})

const SignOut = z.object({ everywhere: z.enum(['true', 'false']).optional() })
const Kick = z.strictObject({ principal: z.string().min(1).max(200) })

function signingOut(app: FastifyInstance, { revocations, sessions }: AuthOptions): void {
  const typed = app.withTypeProvider<ZodTypeProvider>()

  typed.post('/logout', { schema: { hide: true, querystring: SignOut } }, async ({ principal, query, log }, reply) => {
    if (query.everywhere === 'true' && principal) {
      await revocations.revoke(principal.id)
      log.info({ security: 'signed_out_everywhere', principal: principal.id }, 'sessions were revoked')
    }
    return reply.clearCookie(COOKIE, { path: '/' }).code(204).send()
  })

  typed.post(
    '/api/sessions/kick',
    {
      schema: {
        summary: "End a principal's live connections on every node; they may come back at once",
        body: Kick,
      },
    },
    async ({ principal, body, log }, reply) => {
      demand(principal, 'manage', SESSIONS)
      sessions.kick(body.principal)
      log.info({ security: 'kicked', principal: body.principal }, 'live connections were ended')
      return reply.code(204).send()
    },
  )
}

function identityOf(
  request: FastifyRequest,
  key: Buffer,
  identify: (token: string) => Identity | null,
  options: AuthOptions,
): Identity | null {
  const token = bearerToken(request.headers.authorization)
  if (token !== null) {
    const identity = identify(token)
    if (identity) return identity
    request.log.warn({ security: 'token_refused', ip: request.ip }, 'a token was refused')
    // What anybody may see, they may also see with a token that is old.
    if (request.routeOptions.config.public) return null
    throw new HoldfastError('UNAUTHENTICATED', 'That token is not valid.')
  }
  const session = request.cookies[COOKIE]
  const known = session === undefined ? null : verifySession(key, session, options.clock.now())
  if (!known) return null
  const credential = { principal: OPERATOR.id, signedInAt: known.signedInAt }
  if (options.revocations.isVoid(credential)) return null
  checkOrigin(request, options.allowedOrigins)
  return { principal: OPERATOR, credential }
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
