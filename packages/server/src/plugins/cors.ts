import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { mayUseCookie } from './origins.ts'

export interface CorsOptions {
  /** What it is for: paths that begin so. */
  prefixes: readonly string[]
  /** Origins besides the server's own whose pages may act with a cookie. */
  allowedOrigins: readonly string[]
}

/**
 * Lets pages of other origins use streams, and keeps what they hold from being run as a page of ours.
 *
 * Two ways to be somebody, two answers. A bearer token is put into a request by the page's own script, which therefore
 * knows it: whoever has the token may use it, so any origin may ask, without credentials (`*`). A cookie is sent along
 * by the browser, whoever's page asks: only our own pages and those of the allowed origins are told that they may
 * send it and see the answer. Browsers never give an answer marked `*` to a page that asked with credentials, and what
 * changes something is held against its origin once more by plugins/auth. Source: Fetch standard, 3.3 (CORS protocol).
 *
 * To be registered after helmet, whose headers it changes, and before auth, so that refusals can be read too.
 */
export const cors = fastifyPlugin(async (app: FastifyInstance, { prefixes, allowedOrigins }: CorsOptions) => {
  app.addHook('onRequest', (request, reply, done) => {
    if (!isBelow(prefixes, request)) return done()
    // What a cookie opened is not for the page that embeds it, which may be another's of the same site.
    const { authorization = '', cookie } = request.headers
    const byToken = /^bearer /i.test(authorization) || cookie === undefined
    reply.header('cross-origin-resource-policy', byToken ? 'cross-origin' : 'same-origin')
    reply.header('content-security-policy', CONTENT_SECURITY)
    const { origin } = request.headers
    if (origin !== undefined) allow(request, reply, origin, allowedOrigins)
    done()
  })
})

/**
 * By the route that was found, for one path can be written in many ways (`/v1/%73tream/…`, an address with its host);
 * by the path as well, for where none was found there is only that.
 */
function isBelow(prefixes: readonly string[], { routeOptions, url }: FastifyRequest): boolean {
  return prefixes.some((prefix) => routeOptions.url?.startsWith(prefix) || url.startsWith(prefix))
}

// A stream has whatever media type its writer gave it. Opened as a page it is nobody's: no script, no origin.
const CONTENT_SECURITY = "sandbox; default-src 'none'; frame-ancestors 'none'"

const ALLOW_METHODS = 'GET, HEAD, POST, PUT, DELETE, OPTIONS'
const ALLOW_HEADERS = [
  'accept',
  'authorization',
  'cache-control',
  'content-type',
  'if-none-match',
  'last-event-id',
  'producer-epoch',
  'producer-id',
  'producer-seq',
  'stream-closed',
  'stream-expires-at',
  'stream-fork-offset',
  'stream-fork-sub-offset',
  'stream-forked-from',
  'stream-seq',
  'stream-ttl',
].join(', ')
const EXPOSE_HEADERS = [
  'allow',
  'cache-control',
  'content-length',
  'content-type',
  'etag',
  'location',
  'producer-epoch',
  'producer-expected-seq',
  'producer-received-seq',
  'producer-seq',
  'retry-after',
  'stream-closed',
  'stream-cursor',
  'stream-expires-at',
  'stream-next-offset',
  'stream-sse-data-encoding',
  'stream-ttl',
  'stream-up-to-date',
  'www-authenticate',
].join(', ')
const PREFLIGHT_SECONDS = 3_600

function allow(request: FastifyRequest, reply: FastifyReply, origin: string, allowed: readonly string[]): void {
  const withCookie = mayUseCookie(origin, request.headers.host, allowed)
  reply.header('vary', 'Origin')
  reply.header('access-control-allow-origin', withCookie ? origin : '*')
  if (withCookie) reply.header('access-control-allow-credentials', 'true')
  if (request.method !== 'OPTIONS') {
    reply.header('access-control-expose-headers', EXPOSE_HEADERS)
    return
  }
  reply.header('access-control-allow-methods', ALLOW_METHODS)
  reply.header('access-control-allow-headers', ALLOW_HEADERS)
  reply.header('access-control-max-age', PREFLIGHT_SECONDS)
}
