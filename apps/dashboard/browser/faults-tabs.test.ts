import type { Page } from 'playwright-core'
import { afterEach, beforeEach } from 'vitest'
import { PacedServer } from '../../../bench/measure/paced-server.ts'
import { agrees, becomes, describeBehindProxy, endsRight, FAULTS, percentsOf } from './test-support/behind-proxy.ts'
import { eventually, expect, it } from './test-support/world.ts'

describeBehindProxy('the tabs of one browser', PacedServer.start, (world) => {
  beforeEach(() => world.server.proxy.pass())
  afterEach(() => world.server.inner.letAll())

  /** Somebody with so many tabs on one ingestion of forty files. The first has the connection. */
  async function watch(count: number) {
    const visitor = await world.visitor()
    visitor.expectTrouble(FAULTS)
    const ingestion = await world.server.inner.ingest('Watched', 40)
    const tabs: Page[] = []
    // When there was one tab.
    let upgrades = 0
    for (let tab = 0; tab < count; tab += 1) {
      const page = tab === 0 ? visitor.page : await visitor.page.context().newPage()
      await page.goto(`/projects/${ingestion.projectId}`)
      await becomes(page, 'connected')
      tabs.push(page)
      if (tab === 0) upgrades = world.server.proxy.upgrades
    }
    return { visitor, ingestion, tabs, upgrades }
  }

  const agree = async (tabs: Page[], { projectId }: { projectId: string }) => {
    for (const tab of tabs) await agrees({ percents: () => percentsOf(tab) }, world.server, projectId)
  }

  it('[PG37][X9a] ten of them open one WebSocket, and all show the same', async () => {
    const { proxy } = world.server
    await eventually(() => proxy.sockets).toBe(0)
    const { visitor, ingestion, tabs, upgrades } = await watch(10)
    ingestion.let(12)
    await agree(tabs, ingestion)
    expect(proxy.sockets).toBe(1)
    expect(proxy.upgrades).toBe(upgrades)
    ingestion.let(8)
    await agree(tabs, ingestion)
    ingestion.letAll()
    await endsRight(visitor, world.server, ingestion.projectId)
    for (const tab of tabs) await tab.getByTestId('end-done').waitFor()
    for (const tab of tabs) expect(await tab.evaluate('window.progressFalls')).toEqual([])
  })

  it('[PG38] closing the one with the connection loses nothing in the others', async () => {
    const { proxy } = world.server
    const { ingestion, tabs } = await watch(3)
    const [first, ...others] = tabs
    ingestion.let(8)
    await agree(tabs, ingestion)
    ingestion.let(4)
    await first?.close()
    ingestion.let(4)
    await agree(others, ingestion)
    await eventually(() => proxy.sockets).toBe(1)
    for (const tab of others) await becomes(tab, 'connected')
    ingestion.letAll()
    for (const tab of others) await tab.getByTestId('end-done').waitFor({ timeout: 60_000 })
    for (const tab of others) expect(await tab.evaluate('window.progressFalls')).toEqual([])
  })

  it('[PG38] freezing it loses nothing in the others, and thawed it is one of them', async () => {
    const { proxy } = world.server
    const { ingestion, tabs } = await watch(3)
    const [first, ...others] = tabs as [Page, ...Page[]]
    const session = await first.context().newCDPSession(first)
    ingestion.let(8)
    await agree(tabs, ingestion)
    await session.send('Page.setWebLifecycleState', { state: 'frozen' })
    ingestion.let(8)
    await agree(others, ingestion)
    for (const tab of others) await becomes(tab, 'connected')
    await session.send('Page.setWebLifecycleState', { state: 'active' })
    await agree(tabs, ingestion)
    await becomes(first, 'connected')
    await eventually(() => proxy.sockets).toBe(1)
    ingestion.letAll()
    for (const tab of tabs) await tab.getByTestId('end-done').waitFor({ timeout: 60_000 })
    for (const tab of tabs) expect(await tab.evaluate('window.progressFalls')).toEqual([])
  })

  it('[PG38] blocking it for long loses nothing in the others: one of them takes over while it is silent', async () => {
    const { proxy } = world.server
    const { ingestion, tabs } = await watch(3)
    const [first, ...others] = tabs as [Page, ...Page[]]
    ingestion.let(8)
    await agree(tabs, ingestion)
    const { upgrades } = proxy
    const blocked = first.evaluate('{ const end = Date.now() + 25_000; while (Date.now() < end); }')
    let isBlocked = true
    void blocked.finally(() => {
      isBlocked = false
    })
    ingestion.let(8)
    await eventually(() => proxy.upgrades).toBeGreaterThan(upgrades)
    await agree(others, ingestion)
    expect(isBlocked).toBe(true)
    await blocked
    await agree(tabs, ingestion)
    await eventually(() => proxy.sockets).toBe(1)
    ingestion.letAll()
    for (const tab of tabs) await tab.getByTestId('end-done').waitFor({ timeout: 60_000 })
    for (const tab of tabs) expect(await tab.evaluate('window.progressFalls')).toEqual([])
  })

  it('[PG38] a cut, a restart of the server and a proxy without upgrades are survived by all of them together', async () => {
    const { proxy, inner } = world.server
    const { ingestion, tabs } = await watch(3)
    proxy.cut()
    ingestion.let(8)
    await agree(tabs, ingestion)
    await inner.stop()
    await inner.start()
    world.server.follow()
    ingestion.let(8)
    await agree(tabs, ingestion)
    proxy.upgradeAnswer = 502
    proxy.cut()
    for (const tab of tabs) await becomes(tab, 'degraded')
    ingestion.let(8)
    await agree(tabs, ingestion)
    ingestion.letAll()
    for (const tab of tabs) await tab.getByTestId('end-done').waitFor({ timeout: 60_000 })
    for (const tab of tabs) expect(await tab.evaluate('window.progressFalls')).toEqual([])
  })

  it('[PG39] two browsers do not share', async () => {
    const { proxy } = world.server
    await eventually(() => proxy.sockets).toBe(0)
    const one = await watch(2)
    expect(proxy.sockets).toBe(1)
    const other = await watch(2)
    expect(proxy.sockets).toBe(2)
    other.ingestion.let(8)
    one.ingestion.let(4)
    await agree(one.tabs, one.ingestion)
    await agree(other.tabs, other.ingestion)
  })
})
