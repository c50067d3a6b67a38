import type { Aim, Section } from '../../streams/sections/section.ts'
import { HOLDFAST_SQLITE } from '../contenders.ts'
import type { Flow, Flowed } from '../load/starts.ts'
import { CONCURRENCY, STEPS } from '../workers/serve-worker.ts'
import { BASE, measureEach, type RunSettings } from './settings.ts'

const AIM: Aim = { column: 'runs/s', atLeast: 1000 }
const BACKLOG = 500
const STARTERS = 32

/** Runs of several steps, each of which writes: how many a second come to their end. */
export async function throughput(settings: RunSettings): Promise<Section> {
  const flow: Flow = { warmSeconds: 2, seconds: settings.quick ? 1 : 10, backlog: BACKLOG, starters: STARTERS }
  const figures = await measureEach(settings, async ({ child }, { name }) => {
    const { perSecond, runs, rows } = await child.ask<Flowed & { rows: number }>('flow', flow)
    if (rows !== runs * STEPS) throw new Error(`${name}: ${runs} runs wrote ${rows} rows`)
    const aim = name === HOLDFAST_SQLITE.name ? { aim: AIM } : {}
    return [{ what: `runs of ${STEPS} steps`, values: [perSecond, perSecond * STEPS], ...aim }]
  })
  return {
    title: 'Runs a second',
    note: `Runs of ${STEPS} steps, each of which writes a row. A program keeps ${BACKLOG} of them queued or at work, ${STARTERS} starts under way at a time, in the same process that works on ${CONCURRENCY} at a time; counted is whose code came to its end, and afterwards that every row is there once. Holdfast commits a step’s row and that it is done together. OpenWorkflow has steps; the row is a transaction of its own before the step is recorded. BullMQ has none: a row and then \`job.updateData\`, as its documentation has it (Process Step Jobs). pg-boss has none: the row under a key of job and step says that the step is done, and nothing else is written.`,
    columns: ['runs/s', 'steps/s'],
    figures,
    base: BASE,
  }
}
