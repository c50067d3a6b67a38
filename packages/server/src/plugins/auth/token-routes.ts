import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { Identity } from './identities.ts'
import { SESSION_MS } from './principal.ts'
import type { Revocations } from './revocations.ts'
import { covers, parseScope } from './scopes.ts'
import type { TokenClaims, Tokens } from './tokens.ts'

export interface TokenRoutesOptions {
  tokens: Tokens
  clock: Clock
  newId: () => string
  revocations: Pick<Revocations, 'signIn'>
}

// Seconds.
const USUAL_LIFE = 900
const LONGEST_LIFE = 3_600
// All of it goes along with each request, in a header.
const SCOPES = { most: 50, length: 4_096 }

const scope = z
  .string()
  .refine((text) => parseScope(text) !== null, 'not a scope such as read:projects/p1/*')
  .describe('`read:`, `append:` or `manage:`, then `*`, the name of a stream, or a name and `/*` for all below it too.')

const Ask = z
  .strictObject({
    subject: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._~@:|+/-]{0,199}$/, 'not an id')
      .optional()
      .describe('Whom it is for: an id of a user, or `services/<name>`. Absent: whoever asks.'),
    scope: z
      .array(scope)
      .min(1)
      .max(SCOPES.most)
      .refine((scopes) => scopes.join(' ').length <= SCOPES.length, `longer than ${SCOPES.length} characters in all`)
      .optional()
      .describe('What it lets them do; absent: what whoever asks may do.'),
    expiresIn: z.int().min(1).max(LONGEST_LIFE).default(USUAL_LIFE).describe('Seconds.'),
  })
  .nullish()
  .transform((asked) => asked ?? { expiresIn: USUAL_LIFE })

type Asked = z.infer<typeof Ask>

/** `POST /api/auth/token`: the operator makes tokens for others, and whoever has one renews it. */
export function tokenRoutes(app: FastifyInstance, options: TokenRoutesOptions): void {
  const typed = app.withTypeProvider<ZodTypeProvider>()
  typed.post(
    '/api/auth/token',
    {
      schema: {
        summary: 'Make a token, or renew the one this is asked with',
        description: `The operator (by their own token or their cookie) makes one for anybody and with any scope. Whoever
asks with a token gets another for the same subject and the same scope or less; all of them together last 30 days at most.`,
        body: Ask,
      },
    },
    async (request, reply) => {
      const claims = await grant(request, request.body, options)
      const { subject, scope, expiresAt, id } = claims
      const token = await options.tokens.sign(claims)
      request.log.info(
        { security: 'token_made', by: request.principal?.id, subject, scope, expiresAt, jti: id },
        'a token was made',
      )
      reply.header('cache-control', 'no-store')
      return { token, tokenType: 'Bearer', subject, scope, expiresAt: new Date(expiresAt).toISOString() }
    },
  )
}

/** What whoever asks is given; throws where they may not have that. */
async function grant(request: FastifyRequest, asked: Asked, options: TokenRoutesOptions): Promise<TokenClaims> {
  const { principal, credential } = identityOf(request)
  const { subject = principal.id } = asked
  if (credential.expiresAt !== null && subject !== principal.id) {
    throw refused(request, subject, 'other_subject', 'With a token only one for the same subject is given.')
  }
  if (!asked.scope && subject !== principal.id) {
    const message = 'is not there: for somebody else it has to be said'
    throw new HoldfastError('INVALID_INPUT', `The field "scope" ${message}.`, { errors: [{ field: 'scope', message }] })
  }
  const scope = asked.scope ?? principal.scope
  const wider = scope.find((one) => !covers(principal.scope, one))
  if (wider !== undefined) throw refused(request, subject, 'wider_scope', `"${wider}" is more than you may do.`)
  const goesOn = subject === principal.id ? credential.signedInAt : null
  const authTime = goesOn ?? (await options.revocations.signIn(subject))
  const now = options.clock.now()
  // Said in whole seconds.
  const expiresAt = Math.floor(Math.min(now + asked.expiresIn * 1000, authTime + SESSION_MS) / 1000) * 1000
  if (expiresAt <= now) {
    refused(request, subject, 'too_old', 'The session is over.')
    throw new HoldfastError('UNAUTHENTICATED', 'That session is 30 days old: sign in anew.')
  }
  return { subject, scope, authTime, issuedAt: now, expiresAt, id: options.newId() }
}

function identityOf({ principal, credential }: FastifyRequest): Identity {
  if (!principal || !credential) throw new HoldfastError('UNAUTHENTICATED')
  return { principal, credential }
}

/** Notes why, and answers what to throw. */
function refused({ log, principal, ip }: FastifyRequest, subject: string, reason: string, detail: string) {
  log.warn({ security: 'token_not_made', reason, principal: principal?.id, subject, ip }, 'a token was not made')
  return new HoldfastError('FORBIDDEN', detail)
}
