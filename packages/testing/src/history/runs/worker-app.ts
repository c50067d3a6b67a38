import { HoldfastError, sleep, systemClock } from '@holdfast/protocol'
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
    const definition = defineWork(services)
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
        fastify.get('/test/runs/:id', summary('A run as it stands'), async ({ params }) =>
          find(services, (params as { id: string }).id),
        )
      },
    }
  },
})

function defineWork({ log }: Services) {
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

async function find({ db }: Services, id: string): Promise<WorkFound> {
  const [run] = await db.read<{ status: string; error: string | null }>(
    statement('SELECT status, error FROM runs WHERE id = ?', [id]),
  )
  if (!run) throw new HoldfastError('NOT_FOUND')
  const rows = await db.read<{ step: number; attempt: number }>(
    statement('SELECT step, attempt FROM worked WHERE run_id = ? ORDER BY step, attempt', [id]),
  )
  return { ...run, rows }
}
