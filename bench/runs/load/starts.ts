import type { Marks } from './marks.ts'

export interface SingleStarts {
  /** Of the runs' ids. */
  prefix: string
  count: number
  /** Between the end of one and the start of the next, in milliseconds. */
  pauseMs: number
}

/** Starts the run with this id; resolves when the start is acknowledged. */
export type Start = (id: string) => Promise<unknown>

/** From the call that starts a run to the first line of its code, in milliseconds, one run after the other. */
export async function startOneByOne(
  { prefix, count, pauseMs }: SingleStarts,
  marks: Marks,
  start: Start,
): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < count; n += 1) {
    await pause(pauseMs)
    const id = `${prefix}-${n}`
    const { began, ended } = marks.expect(id)
    const asked = performance.now()
    // Its code may begin before the start is answered.
    const [at] = await Promise.all([began, start(id), ended])
    times.push(at - asked)
  }
  return times
}

export interface Flow {
  /** Begins to count after this. */
  warmSeconds: number
  seconds: number
  /** Runs that were started and have not ended: no more are started as long as there are so many. */
  backlog: number
  /** Starts under way at a time. */
  starters: number
}

export interface Flowed {
  /** Runs whose code came to its end, a second. */
  perSecond: number
  /** All that were started, and have ended by now. */
  runs: number
}

/** Keeps a backlog of runs filled, counts the ends, and waits for the last of them. */
export async function keepWorking(flow: Flow, marks: Marks, start: Start): Promise<Flowed> {
  const { warmSeconds, seconds, backlog, starters } = flow
  let runs = 0
  let isOver = false
  const fill = async () => {
    while (!isOver) {
      if (marks.open >= backlog) await marks.next()
      else {
        const id = `flow-${runs}`
        runs += 1
        marks.expect(id)
        await start(id)
      }
    }
  }
  const filling = Promise.all(Array.from({ length: starters }, fill))
  await Promise.race([pause(warmSeconds * 1000), filling])
  const [before, since] = [marks.ended, performance.now()]
  await Promise.race([pause(seconds * 1000), filling])
  const perSecond = ((marks.ended - before) / (performance.now() - since)) * 1000
  isOver = true
  await filling
  while (marks.open > 0) await marks.next()
  return { perSecond, runs }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
