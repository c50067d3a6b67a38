import { writeSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

export interface SummaryOptions {
  /** A test that was skipped makes the run fail. */
  skippedFails: boolean
  /**
   * Tests that are not for us to pass, by `<file>: <suites > and name>`: parts of another project's suite that its
   * protocol leaves open. Skipped, they fail nothing and are not named.
   */
  notOurs?: RegExp
  /** Default: the program's standard output, when it ends. */
  write?: (line: string) => void
}

declare module 'vitest' {
  interface TaskMeta {
    /** What a test measured and what it may be, for people. */
    budget?: string
  }
}

/**
 * Ends a run's output with one plain line, `N passed, N failed`, for people and programs. It is written as the
 * process ends, so that nothing (the coverage table least of all) comes after it. Before it stand the budgets that
 * tests measured, one a line.
 */
export class SummaryReporter implements Reporter {
  readonly #options: SummaryOptions

  constructor(options: SummaryOptions) {
    this.#options = options
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const { skippedFails, notOurs, write } = this.#options
    // Where what comes before the tests fails, nothing is told of it here but that there were none.
    const none = modules.length === 0 && errors.length === 0
    const count = { passed: 0, failed: none ? 1 : errors.length, skipped: [] as string[] }
    const lines: string[] = []
    for (const module of modules) {
      // A file that did not load, or whose hooks failed, has tests that never ran: it counts as one failure.
      if (module.errors().length > 0) count.failed += 1
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        const { budget } = test.meta()
        if (budget !== undefined) lines.push(budget)
        if (state === 'passed') count.passed += 1
        else if (state === 'failed') count.failed += 1
        else if (!notOurs?.test(`${module.relativeModuleId}: ${test.fullName}`))
          count.skipped.push(`${module.relativeModuleId}: ${test.name}`)
      }
    }
    if (skippedFails && count.skipped.length > 0) {
      lines.push(...count.skipped.map((name) => `skipped: ${name}`))
      count.failed += count.skipped.length
    }
    if (count.failed > 0) process.exitCode = 1
    lines.push(`${count.passed} passed, ${count.failed} failed`)
    if (write) for (const line of lines) write(line)
    else process.once('exit', () => writeSync(1, `${lines.join('\n')}\n`))
  }
}
