/** What a page may cost, at most. Sources: requirements.md, P and O18; design.md, 6. */
export const BUDGETS = {
  'client, gzipped': { most: 8_192, unit: 'bytes' },
  'scripts of the first screen, gzipped': { most: 180_000, unit: 'bytes' },
  'requests a minute while live': { most: 1, unit: 'requests' },
  'heap after an hour of events': { most: 52_000_000, unit: 'bytes' },
  'LCP on this machine, median': { most: 1_000, unit: 'ms' },
  'page load at 10 Mbit/s, 40 ms, CPU x4, mean': { most: 1_800, unit: 'ms' },
  'event to screen, p99': { most: 100, unit: 'ms' },
} as const satisfies Record<string, Budget>

export interface Budget {
  /** What is measured may be this much and not more. */
  most: number
  unit: string
}

export type BudgetName = keyof typeof BUDGETS

/** One line for people: what was measured, and what it may be. */
export function budgetLine(name: BudgetName, measured: number): string {
  const { most, unit } = BUDGETS[name]
  return `${name}: ${format(measured)} of ${format(most)} ${unit}`
}

/** Whether a measurement keeps its budget. */
export function isKept(name: BudgetName, measured: number): boolean {
  return measured <= BUDGETS[name].most
}

function format(value: number): string {
  return value.toLocaleString('en-GB', { maximumFractionDigits: value < 100 ? 1 : 0 })
}
