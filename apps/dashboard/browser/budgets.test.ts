import { beforeEach, type TestContext } from 'vitest'
import { clientSize } from '../../../bench/measure/bundle-size.ts'
import { PacedServer } from '../../../bench/measure/paced-server.ts'
import { BUDGETS, type BudgetName, budgetLine } from '../../../bench/page/budgets.ts'
import { firstScreenScripts } from '../../../bench/page/first-screen.ts'
import { heapOf, openLivePage, playAnHour, progressEvent } from '../../../bench/page/live-page.ts'
import { describeBehindProxy } from './test-support/behind-proxy.ts'
import { expect, it } from './test-support/world.ts'

/** Writes down what was measured, for the end of the run, and fails where it is more than it may be. */
function hold(task: TestContext['task'], name: BudgetName, measured: number): void {
  task.meta.budget = budgetLine(name, measured)
  expect(measured, name).toBeLessThanOrEqual(BUDGETS[name].most)
}

// Times are measured by bench/page.ts; here is what is the same on any machine.
describeBehindProxy('what the page costs', PacedServer.start, (world) => {
  beforeEach(() => world.server.proxy.pass())

  it('[PG45][CL21] the client in gzip: all its exports, without the parts that are loaded when they are needed', async ({
    task,
  }) => {
    const { first, whole } = await clientSize()
    expect(whole).toBeGreaterThan(first)
    hold(task, 'client, gzipped', first)
  })

  it('[PG45] the scripts of the first screen in gzip', async ({ task }) => {
    const ingestion = await world.server.inner.ingest('Handbook', 2)
    ingestion.letAll()
    const scripts = await firstScreenScripts(world.browser, world.server)
    expect(scripts.length).toBeGreaterThan(0)
    hold(
      task,
      'scripts of the first screen, gzipped',
      scripts.reduce((sum, { bytes }) => sum + bytes, 0),
    )
  })

  it('[PG48] scripts come packed, to those who take them so', async () => {
    const html = await (await fetch(world.server.url)).text()
    const [, script = ''] = /src="(\/assets\/index-[^"]+)"/.exec(html) ?? []
    const ask = (encoding: string) =>
      fetch(world.server.url + script, { headers: { 'accept-encoding': encoding } }).then(async (answer) => ({
        encoding: answer.headers.get('content-encoding'),
        vary: answer.headers.get('vary'),
        type: answer.headers.get('content-type'),
        text: await answer.text(),
      }))
    const [packed, plain] = [await ask('gzip'), await ask('identity')]
    expect(packed).toEqual({ ...plain, encoding: 'gzip' })
    expect(plain).toMatchObject({ encoding: null, vary: 'accept-encoding' })
    expect(plain.type).toContain('javascript')
  })

  it('[PG46] requests in a minute of an ingestion that is watched live', async ({ task }) => {
    const { inner, proxy } = world.server
    await using live = await openLivePage(world.browser, inner, world.server, (page) => page.clock.install())
    const { page, ingestion } = live
    // What the page asks for as it opens is not what it asks for while it is live: nor the places it fetches ahead then.
    await page.waitForLoadState('networkidle')
    let before = -1
    const isAtRest = async () => {
      const seen = before
      before = proxy.requests.length
      await page.clock.runFor(1_000)
      return before === seen && before === proxy.requests.length
    }
    await expect.poll(isAtRest, { interval: 300, timeout: 20_000 }).toBe(true)
    for (let second = 1; second <= 60; second += 1) {
      await ingestion.append(progressEvent(second, 100))
      await page.getByText(`mark-${second}.md`).waitFor()
      await page.clock.runFor(1_000)
    }
    await page.waitForLoadState('networkidle')
    hold(task, 'requests a minute while live', proxy.requests.length - before)
    await page.locator('[data-testid=connection][data-state=connected]').waitFor()
  })

  it('[PG47] the heap after an hour of events', async ({ task }) => {
    await using live = await openLivePage(world.browser, world.server.inner)
    await playAnHour(live)
    hold(task, 'heap after an hour of events', await heapOf(live.page))
  })
})
