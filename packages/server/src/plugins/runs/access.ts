import { runStream } from '@holdfast/protocol/runs'
import type { FastifyRequest } from 'fastify'
import type { RunQueries } from '../../runs/run-queries.ts'
import { type Action, can, demand } from '../auth/principal.ts'

/** What the lists of runs are asked for by; a scope of `runs/*` covers it too. */
export const RUNS = 'runs'
/** What queues, schedules and actions on many runs are managed by. */
export const QUEUE = 'operators/queue'

/**
 * Demands that whoever asks may do that to the run: by its own stream, or by the stream of its app that tells of it.
 * Whoever may not is not told whether there is such a run.
 */
export async function demandRun(
  { principal }: FastifyRequest,
  action: Action,
  id: string,
  queries: Pick<RunQueries, 'streamOf'>,
): Promise<void> {
  const own = runStream.name({ id })
  if (can(principal, action, own)) return
  const story = principal && (await queries.streamOf(id))
  if (story && can(principal, action, story)) return
  demand(principal, action, own)
}
