import { HoldfastError, sleep, systemClock } from '@holdfast/protocol'
import { runStream } from '@holdfast/protocol/runs'
import { type App, defineApp, defineRun, type Migration, type Services, statement, write } from '@holdfast/server'
import * as z from 'zod'
import { type WorkAsked, type WorkFound, work } from './work.ts'

const input = z.object({ id: z.string(), steps: z.number(), pauseMs: z.number(), heedless: z.boolean() })

// No key over run and step: a step that is done twice must be able to show.
const migration: Migration = {
  id: 'worker/0001_worked',
  up: () => ['CREATE TABLE worked (run_id TEXT NOT NULL, step BIGINT NOT NULL, attempt BIGINT NOT NULL)'],
  down: () => ['DROP TABLE worked'],
}

/** An app of the server under test whose runs write an event and a row with each step. */
export const worker: App = defineApp({
  name: 'worker',
  streams: [work],
  migrations: [migration],
  setup(services) {
    /** Runs whose code is under way in this process. */
    const here = new Set<string>()
    const definition = defineWork(services, here)
    const { runs } = services
    return {
      runs: [definition],
      async routes(fastify) {
        const summary = (text: string) => ({ schema: { summary: text } })
        fastify.post('/test/runs', summary('Start a run'), async ({ body }) => {
          const asked = body as WorkAsked
          await runs.start(definition, asked, { id: asked.id })
          return {}
        })
        fastify.post('/test/runs/:id/cancel', summary('Cancel a run'), async ({ params }) => {
          await runs.cancel((params as { id: string }).id)
          return {}
        })
        fastify.get('/test/runs/totals', summary('All runs in numbers'), () => totals(services))
        fastify.get('/test/runs/:id/here', summary('Whether it works in this process'), async ({ params }) => ({
          here: here.has((params as { id: string }).id),
        }))
        fastify.get('/test/runs/:id', summary('A run as it stands'), async ({ params }) =>
          find(services, (params as { id: string }).id),
        )
      },
    }
  },
})

function defineWork({ log }: Services, here: Set<string>) {
  type Told = Parameters<typeof work.parse>[0]
  const tell = (id: string, event: Told) => log.appendEvents(work, { id }, [event])
  return defineRun<WorkAsked>({
    name: 'work',
    version: 1,
    input,
    stream: (_, id) => work.name({ id }),
    async run(context) {
      const { run, input, signal } = context
      const { id, attempt } = run
      const { steps, pauseMs, heedless } = input
      here.add(id)
      await context.commit(tell(id, { type: 'began', attempt }))
      for (let step = 1; step <= steps; step += 1) {
        await context.step(String(step), async ({ write: also }) => {
          await sleep(systemClock, pauseMs, heedless ? undefined : signal)
          const row = statement('INSERT INTO worked (run_id, step, attempt) VALUES (?, ?, ?)', [id, step, attempt])
          also(tell(id, { type: 'did', attempt, step }), write(row))
        })
      }
    },
    ended: async ({ id, attempt }, { status }) => [tell(id, { type: 'ended', attempt, status })],
  })
}

async function totals({ db }: Services): Promise<{ ended: number; attempts: number }> {
  const [runs] = await db.read<{ ended: number; attempts: number }>(
    statement('SELECT count(ended_at) AS ended, COALESCE(sum(attempt), 0) AS attempts FROM runs'),
  )
  return { ended: Number(runs?.ended), attempts: Number(runs?.attempts) }
}

async function find({ db }: Services, id: string): Promise<WorkFound> {
  const [run] = await db.read<{ status: string; error: string | null }>(
    statement('SELECT status, error FROM runs WHERE id = ?', [id]),
  )
  if (!run) throw new HoldfastError('NOT_FOUND')
  const rows = await db.read<{ step: number; attempt: number }>(
    statement('SELECT step, attempt FROM worked WHERE run_id = ? ORDER BY step, attempt', [id]),
  )
  const attempts = await db.read<{ attempt: number; outcome: string }>(
    statement('SELECT attempt, outcome FROM run_attempts WHERE run_id = ? ORDER BY attempt', [id]),
  )
  const steps = await db.read<{ key: string; status: string; attempt: number }>(
    statement('SELECT step_key AS key, status, attempt FROM run_steps WHERE run_id = ? ORDER BY step_key', [id]),
  )
  const [told] = await db.read<{ count: number }>(
    statement('SELECT count(*) AS count FROM outbox WHERE stream IN (?, ?)', [
      work.name({ id }),
      runStream.name({ id }),
    ]),
  )
  return { ...run, rows, attempts, steps, outbox: told?.count ?? 0 }
}
