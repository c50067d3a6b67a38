import * as z from 'zod'
import { defineStream } from '../../../packages/protocol/src/index.ts'
import { type App, defineApp, type Services } from '../../../packages/server/src/define-app.ts'
import { defineRun } from '../../../packages/server/src/runs/run.ts'
import { now } from '../../measure/clock.ts'
import type { Handlers } from '../commands.ts'

const hold = defineStream('holds/:id', {
  version: 1,
  events: { ended: z.object({ status: z.string() }) },
  initial: {},
  fold: (state) => state,
  terminal: ['ended'],
})

/** An app whose runs have one step, which does nothing until it is stopped; and what is asked about them. */
export function defineHolding(services: () => Services): { app: App; commands: Handlers } {
  /** By run, of those that came to work here: when the signal of its step was aborted. */
  const aborted = new Map<string, Promise<number>>()
  const definition = defineRun<object>({
    name: 'hold',
    version: 1,
    input: z.object({}),
    stream: (_, id) => hold.name({ id }),
    run: (context) =>
      context.step('hold', async ({ signal }) => {
        const { promise, resolve } = Promise.withResolvers<number>()
        signal.addEventListener('abort', () => resolve(now()))
        aborted.set(context.run.id, promise)
        await promise
        signal.throwIfAborted()
      }),
    ended: async (run, { status }) => [services().log.appendEvents(hold, { id: run.id }, [{ type: 'ended', status }])],
  })
  return {
    app: defineApp({ name: 'holding', streams: [hold], migrations: [], setup: () => ({ runs: [definition] }) }),
    commands: {
      /** Starts a run, on whichever node; answers its id. */
      hold: async () => (await services().runs.start(definition, {})).id,
      /** Whether the step of this run is under way in this process. */
      isHolding: (id: string) => aborted.has(id),
      /** Cancels a run; answers when that was asked for. */
      async cancel(id: string) {
        const asked = now()
        await services().runs.cancel(id)
        return asked
      },
      /** When the step of a run that works here was told to stop; waits for that. */
      aborted: (id: string) => aborted.get(id),
    },
  }
}
