import { expect, it } from 'vitest'
import { BUDGETS, type BudgetName, budgetLine, isKept } from './budgets.ts'

it('[BENCH5] a budget is kept up to its limit, and told with it', () => {
  for (const name of Object.keys(BUDGETS) as BudgetName[]) {
    const { most, unit } = BUDGETS[name]
    expect([isKept(name, most), isKept(name, most + 1)]).toEqual([true, false])
    expect(budgetLine(name, most - 1)).toMatch(new RegExp(`^${RegExp.escape(name)}: [0-9.,]+ of [0-9,]+ ${unit}$`))
  }
  expect(budgetLine('event to screen, p99', 12.34)).toBe('event to screen, p99: 12.3 of 100 ms')
  expect(budgetLine('client, gzipped', 7_950)).toBe('client, gzipped: 7,950 of 8,192 bytes')
})
