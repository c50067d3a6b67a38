import { createHmac } from 'node:crypto'
import cookie from '@fastify/cookie'
import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { mayUseCookie } from '../origins.ts'
import type { Principal } from './principal.ts'
import { comparison, signSession, verifySession } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; `null` only on public routes. */
    principal: Principal | null
  }
  interface FastifyInstance {
    /** Whose bearer token that is; `null` for nobody's. */
    identify(token: string): Principal | null
  }
  interface FastifyContextConfig {
    /** Anybody may ask: the page's files, health, signing in. */
    public?: boolean
  }
}

export interface AuthOptions {
  operatorToken: string
  /** Signs the session cookies; at least 32 bytes. */
  sessionSecret: Buffer
  /** Origins besides the server's own whose pages may act with a cookie. */
  allowedOrigins: readonly string[]
  clock: Clock
}

const COOKIE = 'holdfast_session'
const SESSION_MS = 30 * 24 * 3600 * 1000
const OPERATOR: Principal = { kind: 'operator', id: 'operator' }
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
  // Another operator token makes all earlier sessions worthless.
  const key = createHmac('sha256', options.sessionSecret).update(options.operatorToken).digest()

  const isOperators = comparison(options.operatorToken)
  const identify = (token: string) => (token !== '' && isOperators(token) ? OPERATOR : null)
  app.decorate('identify', identify)

  // With a callback: this is in every request's way, and there is nothing to wait for.
  app.addHook('onRequest', (request, _, done) => {
    try {
      request.principal = principalOf(request, key, identify, options)
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
    const expiresAt = options.clock.now() + SESSION_MS
    reply.setCookie(COOKIE, signSession(key, expiresAt), {
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

  app.post('/logout', { schema: { hide: true } }, async (_, reply) =>
    reply.clearCookie(COOKIE, { path: '/' }).code(204).send(),
  )
})

function principalOf(
  request: FastifyRequest,
  key: Buffer,
  identify: (token: string) => Principal | null,
  options: AuthOptions,
): Principal | null {
  const token = bearerToken(request.headers.authorization)
  if (token !== null) {
    const principal = identify(token)
    if (principal) return principal
    request.log.warn({ security: 'token_refused', ip: request.ip }, 'a token was refused')
    // What anybody may see, they may also see with a token that is old.
    if (request.routeOptions.config.public) return null
    throw new HoldfastError('UNAUTHENTICATED', 'That token is not valid.')
  }
  const session = request.cookies[COOKIE]
  if (session === undefined || !verifySession(key, session, options.clock.now())) return null
  checkOrigin(request, options.allowedOrigins)
  return OPERATOR
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
