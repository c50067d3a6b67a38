import { percentile } from '../../measure/watcher.ts'
import type { Aim, Section } from '../../streams/sections/section.ts'
import { HOLDFAST_POSTGRES, HOLDFAST_SQLITE } from '../contenders.ts'
import type { SingleStarts } from '../load/starts.ts'
import { BASE, measureEach, type RunSettings } from './settings.ts'

const OURS: readonly string[] = [HOLDFAST_SQLITE.name, HOLDFAST_POSTGRES.name]
const AIMS: Aim[] = [
  { column: 'p50 ms', below: 2 },
  { column: 'p99 ms', below: 10 },
]
const PAUSE_MS = 100

/** From the call that starts a run to the first line of its code, where nothing else is to be done. */
export async function latency(settings: RunSettings): Promise<Section> {
  const count = settings.quick ? 5 : 200
  const figures = await measureEach(settings, async ({ child }, { name }) => {
    await child.ask('singles', { prefix: 'warm', count: 20, pauseMs: 5 } satisfies SingleStarts)
    const asked: SingleStarts = { prefix: 'single', count, pauseMs: PAUSE_MS }
    const times = await child.ask<number[]>('singles', asked)
    const values = [percentile(times, 0.5), percentile(times, 0.99), Math.max(...times)]
    return [{ what: `${count} runs, one after the other`, values, ...(OURS.includes(name) ? { aim: AIMS } : {}) }]
  })
  return {
    title: 'Start latency',
    note: 'From the call that starts a run, which writes it to disk first, to the first line of its code in the same process, one run after the other, each a tenth of a second after the end of the one before. OpenWorkflow asks its store, a tenth of a second after the last run at first and then ever more rarely, up to once a second; all others are told.',
    columns: ['p50 ms', 'p99 ms', 'longest ms'],
    figures,
    base: BASE,
  }
}
