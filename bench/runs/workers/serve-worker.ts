import { serveCommands } from '../../streams/commands.ts'
import type { Marks } from '../load/marks.ts'
import { type Flow, keepWorking, type SingleStarts, type Start, startOneByOne } from '../load/starts.ts'

/** Runs of every worker that work at the same time: as many as Holdfast takes on by default. */
export const CONCURRENCY = 100
/** Of every run in the flow. */
export const STEPS = 4

/** A contender in a process of its own, which starts runs and works on them. */
export interface WorkerUnderTest {
  marks: Marks
  /** A run without steps, whose code does nothing. */
  startSingle: Start
  /** A run of `STEPS` steps, each of which writes a row. */
  startFlow: Start
  /** Makes so many runs that wait for an hour; resolves when all of them wait. */
  sleepers(count: number): Promise<void>
  /** Queues so many runs where none of them is taken up. */
  queue(count: number): Promise<void>
  /** How many rows the flow has written. */
  rows(): Promise<number>
}

/** Answers what `bench/runs.ts` asks of a contender. */
export function serveWorker(worker: WorkerUnderTest): void {
  const { marks } = worker
  serveCommands(null, {
    singles: (asked: SingleStarts) => startOneByOne(asked, marks, worker.startSingle),
    async flow(asked: Flow) {
      const flowed = await keepWorking(asked, marks, worker.startFlow)
      return { ...flowed, rows: await worker.rows() }
    },
    sleepers: (count: number) => worker.sleepers(count),
    queue: (count: number) => worker.queue(count),
    /** User and system time of all threads, in microseconds; asking for it costs next to none. */
    cpu() {
      const { user, system } = process.cpuUsage()
      return user + system
    },
  })
}

/** Calls `make` for each number below `count`, so many at a time. */
export async function manyAtOnce(count: number, make: (n: number) => Promise<unknown>, atOnce = 50): Promise<void> {
  let next = 0
  const one = async () => {
    for (let n = next++; n < count; n = next++) await make(n)
  }
  await Promise.all(Array.from({ length: atOnce }, one))
}

/** Asks until it is so; of what a store does by itself. */
export async function waitUntil(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50))
}
