import { becomes, describeBehindProxy, FAULTS } from './test-support/behind-proxy.ts'
import { read } from './test-support/visitor.ts'
import { WorkServer } from './test-support/work-server.ts'
import { eventually, expect, it } from './test-support/world.ts'

describeBehindProxy('a run behind a proxy with faults', WorkServer.start, (world) => {
  it('[PG70] goes on to show the run when the connection comes back, having said that it was of then', async () => {
    const { inner, proxy } = world.server
    const { survey } = inner
    survey.hold('skerry', 'mole')
    const id = await inner.begin(['harbour', 'skerry', 'mole'])
    const visitor = await world.visitor()
    visitor.expectTrouble(FAULTS)
    const { page } = visitor
    await page.goto(`/work/${id}`)
    await becomes(page, 'connected')
    await eventually(() => read(page.getByTestId('percent'))).toBe('26 %')
    proxy.isRefusing = true
    await becomes(page, 'reconnecting')
    expect(await read(page.getByTestId('stale'))).toContain('the run does not need this page to go on')
    await page.getByTestId('as-of').waitFor()
    expect(await page.getByTestId('time-left').count()).toBe(0)
    survey.letGo('skerry')
    await eventually(async () => (await inner.run(id)).progress?.done).toBe(2)
    expect(await read(page.getByTestId('percent'))).toBe('26 %')

    proxy.pass()
    await becomes(page, 'connected')
    await eventually(() => read(page.getByTestId('percent'))).toBe('53 %')
    await eventually(() => page.locator('[data-step="visit skerry"]').getAttribute('data-status')).toBe('done')
    await page.getByText('Step "visit skerry" is done').waitFor()
    expect(await page.getByTestId('stale').count()).toBe(0)
    survey.letGo('mole')
    await eventually(() => page.getByTestId('run-status').getAttribute('data-status')).toBe('done')
  })
})
