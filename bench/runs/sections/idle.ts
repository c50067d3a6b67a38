import type { Aim, Section } from '../../streams/sections/section.ts'
import { HOLDFAST_POSTGRES, HOLDFAST_SQLITE, type RunWorker } from '../contenders.ts'
import { cpuBetween, cpuSpent, type Measured, measureEach, type RunSettings } from './settings.ts'

const OURS: readonly string[] = [HOLDFAST_SQLITE.name, HOLDFAST_POSTGRES.name]
/** What is shown as 0.0. */
const AIM: Aim = { column: '% of a core', below: 0.05 }
const SETTLE_MS = 5000

/** What it costs to have nothing to do. */
export async function idle(settings: RunSettings): Promise<Section> {
  const seconds = settings.quick ? 1 : 20
  const sleepers = settings.quick ? 20 : 1000
  const figures = await measureEach(settings, async (worker, { name }) => {
    const aim = OURS.includes(name) ? { aim: AIM } : {}
    const line = async (what: string): Promise<Measured> => ({ what, values: await cpuOf(worker, seconds), ...aim })
    await worker.child.ask('singles', { prefix: 'warm', count: 20, pauseMs: 5 })
    const empty = await line('an empty queue')
    await worker.child.ask('sleepers', sleepers)
    return [empty, await line(`${sleepers.toLocaleString('en')} runs that wait for an hour`)]
  })
  return {
    title: 'CPU with nothing to do',
    note: `User and system time over ${seconds} seconds, beginning ${SETTLE_MS / 1000} seconds after the last run: of the process, and of all processes of its store where that is another program (Linux counts those in hundredths of a second). The runs that wait sleep in mid-run with Holdfast and OpenWorkflow; BullMQ’s and pg-boss’s are jobs delayed by an hour.`,
    columns: ['% of a core', '% of a core, store'],
    figures,
  }
}

async function cpuOf(worker: RunWorker, seconds: number): Promise<(number | null)[]> {
  await pause(SETTLE_MS)
  const [before, since] = [await cpuSpent(worker), performance.now()]
  await pause(seconds * 1000)
  const after = await cpuSpent(worker)
  const percent = (ms: number | null) => (ms === null ? null : (ms / (performance.now() - since)) * 100)
  return cpuBetween(before, after).map(percent)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
