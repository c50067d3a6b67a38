import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Given } from '../../runs/run-commands.ts'
import type { RunQueries } from '../../runs/run-queries.ts'
import type { CommandHeaders } from './schemas.ts'

/** What a request says of the command it gives. */
export function givenBy(request: FastifyRequest, newId: () => string): Given {
  const headers = request.headers as z.output<typeof CommandHeaders>
  const revision = /"(\d+)"$/.exec(headers['if-match'] ?? '')?.[1]
  return {
    id: headers['idempotency-key'] ?? newId(),
    by: request.principal?.id ?? '',
    ...(revision === undefined ? {} : { revision: Number(revision) }),
  }
}

const DOES_NOT_FIT = ['CONFLICT', 'ALREADY_ENDED', 'NOT_ENDED', 'CANCELLED'] as const

/** Does it; where it does not fit how the run stands, the error says how that is. */
export async function withCurrent<Result>(
  queries: Pick<RunQueries, 'summary'>,
  id: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!DOES_NOT_FIT.some((code) => isHoldfastError(error, code))) throw error
    const { code, message } = error as HoldfastError
    const current = await queries.summary(id)
    throw current ? new HoldfastError(code, message, { cause: error, current }) : error
  }
}

/** NOT_FOUND for what is not there. */
export function found<Thing>(thing: Thing | null, id: string): Thing {
  if (thing === null) throw new HoldfastError('NOT_FOUND', `There is no run "${id}".`)
  return thing
}
