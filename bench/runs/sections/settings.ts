import { sampleTree } from '../../measure/process-tree.ts'
import type { Figure } from '../../streams/sections/section.ts'
import { HOLDFAST_SQLITE, type RunContender, RunWorker } from '../contenders.ts'
import type { RunStores } from '../stores.ts'

export interface RunSettings {
  stores: RunStores
  /** Those that are measured, in this order. */
  contenders: readonly RunContender[]
  /** Shorter and smaller, to see that everything runs. Its figures mean nothing. */
  quick: boolean
}

/** What the others are compared with. */
export const BASE = HOLDFAST_SQLITE.name

export type Measured = Pick<Figure, 'what' | 'values' | 'aim'>

/**
 * Measures the contenders one after the other, each in a new process on a new store; what is of one line of the table
 * stands side by side.
 */
export async function measureEach(
  { stores, contenders }: RunSettings,
  measure: (worker: RunWorker, contender: RunContender) => Promise<Measured[]>,
): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const contender of contenders) {
    await using worker = await RunWorker.start(contender, stores)
    const { name, durable } = contender
    for (const measured of await measure(worker, contender)) figures.push({ ...measured, contender: name, durable })
    process.stderr.write('.')
  }
  const lines = [...new Set(figures.map(({ what }) => what))]
  return lines.flatMap((line) => figures.filter(({ what }) => what === line))
}

/** Milliseconds of CPU that the contender and its store have spent; of the store `null` where it is in the contender. */
export async function cpuSpent({ child, storePid }: RunWorker): Promise<{ own: number; store: number | null }> {
  const own = (await child.ask<number>('cpu')) / 1000
  return { own, store: storePid === null ? null : sampleTree(storePid, false).cpuSeconds * 1000 }
}

/** Between two of them. */
export function cpuBetween(
  before: Awaited<ReturnType<typeof cpuSpent>>,
  after: Awaited<ReturnType<typeof cpuSpent>>,
): [own: number, store: number | null] {
  const store = before.store === null || after.store === null ? null : after.store - before.store
  return [after.own - before.own, store]
}
