import type { Usage } from '../../streams/commands.ts'
import type { Section } from '../../streams/sections/section.ts'
import { BASE, measureEach, type RunSettings } from './settings.ts'

const MEGABYTE = 1_048_576

/** What queued runs cost the process that would work on them. */
export async function memory(settings: RunSettings): Promise<Section> {
  const queued = settings.quick ? 100 : 10_000
  const figures = await measureEach(settings, async ({ child }) => {
    await child.ask('singles', { prefix: 'warm', count: 20, pauseMs: 5 })
    const before = await child.ask<Usage>('usage')
    await child.ask('queue', queued)
    const after = await child.ask<Usage>('usage')
    const what = `${queued.toLocaleString('en')} queued runs`
    return [{ what, values: [after.rss / MEGABYTE, (after.rss - before.rss) / MEGABYTE] }]
  })
  return {
    title: 'Memory of queued runs',
    note: 'Resident memory of the process after a collection, and by how much more than before, when it has itself queued that many runs, fifty at a time, which it does not take up: with Holdfast and BullMQ their queue is paused, with pg-boss nobody works on it, with OpenWorkflow they are due an hour later. What a store in another program holds is not in it; Holdfast’s process is a whole server.',
    columns: ['MB', 'MB more'],
    figures,
    base: BASE,
  }
}
