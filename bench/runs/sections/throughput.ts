import type { Aim, Section } from '../../streams/sections/section.ts'
import { HOLDFAST_SQLITE } from '../contenders.ts'
import type { Flow, Flowed } from '../load/starts.ts'
import { CONCURRENCY, STEPS } from '../workers/serve-worker.ts'
import { BASE, cpuBetween, cpuSpent, measureEach, type RunSettings } from './settings.ts'

const AIM: Aim = { column: 'runs/s', atLeast: 1000 }
const BACKLOG = 500
const STARTERS = 32

/** Runs of several steps, each of which writes: how many a second come to their end. */
export async function throughput(settings: RunSettings): Promise<Section> {
  const flow: Flow = { warmSeconds: 2, seconds: settings.quick ? 1 : 10, backlog: BACKLOG, starters: STARTERS }
  const figures = await measureEach(settings, async (worker, { name }) => {
    const before = await cpuSpent(worker)
    const { perSecond, runs, rows } = await worker.child.ask<Flowed & { rows: number }>('flow', flow)
    const cpu = cpuBetween(before, await cpuSpent(worker)).map((ms) => (ms === null ? null : ms / runs))
    if (rows !== runs * STEPS) throw new Error(`${name}: ${runs} runs wrote ${rows} rows`)
    const aim = name === HOLDFAST_SQLITE.name ? { aim: AIM } : {}
    return [{ what: `runs of ${STEPS} steps`, values: [perSecond, perSecond * STEPS, ...cpu], ...aim }]
  })
  return {
    title: 'Runs a second',
    note: `Runs of ${STEPS} steps, each of which writes a row. A program keeps ${BACKLOG} of them queued or at work, ${STARTERS} starts under way at a time, in the same process that works on ${CONCURRENCY} at a time; counted is whose code came to its end, and afterwards that every row is there once. Holdfast commits a step’s row and that it is done together. OpenWorkflow has steps; the row is a transaction of its own before the step is recorded. BullMQ has none: a row and then \`job.updateData\`, as its documentation has it (Process Step Jobs). pg-boss has none: the row under a key of job and step says that the step is done, and nothing else is written. CPU: user and system time over all of it, of the process and of its store where that is another program; on a machine that has other things to do it says more than the rate.`,
    columns: ['runs/s', 'steps/s', 'CPU ms a run', 'CPU ms a run, store'],
    figures,
    base: BASE,
  }
}
