import type { Page } from 'playwright-core'
import { beforeAll, beforeEach } from 'vitest'
import { PacedServer } from '../../../bench/measure/paced-server.ts'
import { becomes, describeBehindProxy, FAULTS } from './test-support/behind-proxy.ts'
import { buildHarness, openHarness } from './test-support/harness-page.ts'
import { eventually, expect, it } from './test-support/world.ts'

describeBehindProxy('appends that outlive their page', PacedServer.start, (world) => {
  let script = ''
  let project = ''
  let ingestion = ''
  beforeAll(async () => {
    script = await buildHarness('client-harness.tsx')
    const watched = await world.server.inner.ingest('Watched', 10)
    project = watched.projectId
    ingestion = watched.ingestionId
  })
  beforeEach(() => world.server.proxy.pass())

  /** Nothing of the streams gets through; the page's own files do. */
  const block = () => {
    const { proxy } = world.server
    proxy.upgradeAnswer = 502
    proxy.answer(503, ({ path }) => path.startsWith('/v1/'), 100_000)
    proxy.cut()
  }
  const queued = (page: Page) => page.getByTestId('connection').getAttribute('data-queued')
  /** Begun, and not waited for. */
  const append = (page: Page, stream: string, text: string) =>
    page.evaluate(`void harness.append(${JSON.stringify(stream)}, { text: ${JSON.stringify(text)} })`)
  const written = (stream: string) => world.server.request<{ text: string }[]>('GET', `/v1/stream/${stream}`)

  async function open(): Promise<Page> {
    const visitor = await world.visitor()
    visitor.expectTrouble(FAULTS)
    await openHarness(visitor.page, script, { project, ingestion, keep: '' })
    await becomes(visitor.page, 'connected')
    return visitor.page
  }

  it('[CL19] what could not be sent is sent by the page after a reload, in its order, and by one page only', async () => {
    await world.server.makeStream('notes/reloaded')
    const page = await open()
    block()
    await becomes(page, 'reconnecting')
    for (const text of ['one', 'two', 'three']) await append(page, 'notes/reloaded', text)
    await eventually(() => queued(page)).toBe('3')
    await page.reload()
    await eventually(() => queued(page)).toBe('3')
    const other = await page.context().newPage()
    await openHarness(other, script, { project, ingestion, keep: '' })
    await other.getByTestId('connection').waitFor()
    world.server.proxy.pass()
    await eventually(() => queued(page)).toBe('0')
    expect(await queued(other)).toBe('0')
    expect((await written('notes/reloaded')).map(({ text }) => text)).toEqual(['one', 'two', 'three'])
    // Nothing of it is kept any more.
    await page.reload()
    await becomes(page, 'connected')
    expect(await queued(page)).toBe('0')
    expect(await written('notes/reloaded')).toHaveLength(3)
  })

  it('[CL19] what had arrived without its answer is not taken twice', async () => {
    await world.server.makeStream('notes/unanswered')
    const page = await open()
    world.server.proxy.mutesSockets = true
    await append(page, 'notes/unanswered', 'once')
    await eventually(async () => (await written('notes/unanswered')).length).toBe(1)
    expect(await queued(page)).toBe('1')
    world.server.proxy.pass()
    await page.reload()
    await becomes(page, 'connected')
    await eventually(() => queued(page)).toBe('0')
    expect(await written('notes/unanswered')).toEqual([{ text: 'once' }])
  })
})
