import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const REPORTER = new URL('./summary-reporter.ts', import.meta.url).href

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Runs a real vitest over one file of tests. */
function run(
  tests: string,
  options = '{ skippedFails: false }',
  config = '',
): { code: number | null; lines: string[] } {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-summary-'))
  folders.push(root)
  writeFileSync(join(root, 'a.test.js'), tests)
  writeFileSync(
    join(root, 'vitest.config.js'),
    `import { SummaryReporter } from '${REPORTER}'
     const reporters = ['default', new SummaryReporter(${options})]
     export default { test: { globals: true, reporters, coverage: { enabled: false }, ${config} } }`,
  )
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, VITEST: undefined, CI: undefined }
  const { status, stdout } = spawnSync(process.execPath, [VITEST, 'run', '--root', root], { env, encoding: 'utf8' })
  return { code: status, lines: stdout.trimEnd().split('\n') }
}

describe('the summary of a test run', () => {
  it('[SUM1] is the last line, alone on it', () => {
    const { code, lines } = run("it('a', () => {}); it('b', () => {})")
    expect([code, lines.at(-1)]).toEqual([0, '2 passed, 0 failed'])
  })

  it('[SUM1] counts what failed, and a file that does not load', () => {
    const one = run("it('a', () => {}); it('b', () => { throw new Error('b') })")
    expect([one.code, one.lines.at(-1)]).toEqual([1, '1 passed, 1 failed'])
    const none = run("throw new Error('not loaded')")
    expect([none.code, none.lines.at(-1)]).toEqual([1, '0 passed, 1 failed'])
  })

  it('[SUM1] counts an error that no test caught', () => {
    const { code, lines } = run("it('a', () => { void Promise.reject(new Error('late')) })")
    expect([code, lines.at(-1)]).toEqual([1, '1 passed, 1 failed'])
  })

  it('[SUM1] counts a run that came to no test', () => {
    const { code, lines } = run("it('a', () => {})", undefined, "globalSetup: ['not-there.js']")
    expect([code, lines.at(-1)]).toEqual([1, '0 passed, 1 failed'])
  })

  it('[SUM2] a skipped test fails the run where it is told to, and is named', () => {
    const tests = "it('a', () => {}); it.skip('b', () => {}); it.todo('c')"
    const free = run(tests)
    expect([free.code, free.lines.at(-1)]).toEqual([0, '1 passed, 0 failed'])
    const strict = run(tests, '{ skippedFails: true }')
    expect([strict.code, strict.lines.slice(-3)]).toEqual([
      1,
      ['skipped: a.test.js: b', 'skipped: a.test.js: c', '1 passed, 2 failed'],
    ])
  })

  it('[SUM2] what another suite leaves open, and we do not do, may be skipped', () => {
    const tests = "it('a', () => {}); describe.skip('open', () => { it('b', () => {}) }); it.skip('c', () => {})"
    const { code, lines } = run(tests, '{ skippedFails: true, notOurs: /^a[.]test[.]js: open > / }')
    expect([code, lines.slice(-2)]).toEqual([1, ['skipped: a.test.js: c', '1 passed, 1 failed']])
  })

  it('[SUM3] tells the budgets that tests measured, kept or not, before the last line', () => {
    const { lines } = run(`it('a', ({ task }) => { task.meta.budget = 'bytes: 5 of 8' })
      it('b', ({ task }) => { task.meta.budget = 'requests: 2 of 1'; expect(2).toBe(1) })`)
    expect(lines.slice(-3)).toEqual(['bytes: 5 of 8', 'requests: 2 of 1', '1 passed, 1 failed'])
  })
})
