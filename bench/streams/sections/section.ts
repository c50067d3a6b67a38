import type { Contender } from '../contenders.ts'

/** What the value of a column is to be. */
export type Aim = { column: string } & ({ atLeast: number } | { below: number })

/** One thing measured of one contender: `value` in the unit of its section, most often the median of several rounds. */
export interface Figure {
  what: string
  contender: string
  durable: boolean
  /** By column, in the order of `Section.columns`. `null`: does not do that. */
  values: (number | null)[]
  /** Several where several columns have one. */
  aim?: Aim | Aim[]
}

/** A table of the report. */
export interface Section {
  title: string
  /** What is measured and how, in a sentence or two. */
  note: string
  columns: string[]
  figures: Figure[]
  /** The contender that first values are compared with. Default `holdfast`. */
  base?: string
}

export interface Settings {
  /** Each figure is measured this many times, contenders alternating; the median counts. */
  rounds: number
  /** Shorter and smaller, to see that everything runs. Its figures mean nothing. */
  quick: boolean
}

/** The middle one; of an even number the lower. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

/**
 * Measures every contender once a round, one after the other, so that what the machine does besides meets all alike;
 * answers the median of each column.
 */
export async function alternate<Case extends { contender: Contender; what: string; aim?: Aim | undefined }>(
  rounds: number,
  cases: readonly Case[],
  measure: (one: Case) => Promise<number[]>,
): Promise<Figure[]> {
  const all = cases.map(() => [] as number[][])
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, one] of cases.entries()) {
      all[index]?.push(await measure(one))
      process.stderr.write('.')
    }
  }
  return cases.map(({ contender, what, aim }, index) => {
    const measured = all[index] ?? []
    const values = (measured[0] ?? []).map((_, column) => median(measured.map((row) => row[column] ?? Number.NaN)))
    return { what, contender: contender.name, durable: contender.durable, values, ...(aim ? { aim } : {}) }
  })
}
