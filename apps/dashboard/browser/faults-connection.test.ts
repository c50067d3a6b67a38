import type { Page } from 'playwright-core'
import { afterEach, beforeEach } from 'vitest'
import { type PacedIngestion, PacedServer } from '../../../bench/measure/paced-server.ts'
import {
  agrees,
  becomes,
  connectionState,
  describeBehindProxy,
  endsRight,
  FAULTS,
  runsUntil,
} from './test-support/behind-proxy.ts'
import { read, type Visitor } from './test-support/visitor.ts'
import { eventually, expect, it } from './test-support/world.ts'

const FILES = 40

describeBehindProxy('a page behind a proxy with faults', PacedServer.start, (world) => {
  beforeEach(() => world.server.proxy.pass())
  afterEach(() => world.server.inner.letAll())

  /** Somebody who watches an ingestion, of which twelve files were let through. */
  async function watch(before: (page: Page) => Promise<unknown> = async () => {}) {
    const visitor = await world.visitor()
    visitor.expectTrouble(FAULTS)
    await before(visitor.page)
    const ingestion = await world.server.inner.ingest('Watched', FILES)
    await visitor.page.goto(`/projects/${ingestion.projectId}`)
    ingestion.let(12)
    await visitor.reaches('extract', 25)
    return { visitor, page: visitor.page, ingestion }
  }

  const withClock = (page: Page) => page.clock.install()

  const agree = (visitor: Visitor, { projectId }: PacedIngestion) => agrees(visitor, world.server, projectId)

  /** Goes on with all files, to the end. */
  async function finish(visitor: Visitor, ingestion: PacedIngestion): Promise<void> {
    ingestion.letAll()
    await endsRight(visitor, world.server, ingestion.projectId)
  }

  /** Requests since then to read many streams at once: long-polls and polls say how long they wait, events do not. */
  function readsSince(index: number): { streams: number; waits: number } {
    const paths = world.server.proxy.requests.slice(index).map(({ path }) => path)
    return {
      streams: paths.filter((path) => path === '/v1/read').length,
      waits: paths.filter((path) => path.startsWith('/v1/read?wait=')).length,
    }
  }

  it('[PG30] is right behind long delays, which come and go', async () => {
    const { proxy } = world.server
    proxy.delayMs = 300
    const { visitor, page, ingestion } = await watch()
    await becomes(page, 'connected')
    await agree(visitor, ingestion)
    proxy.delayMs = 1_500
    ingestion.let(8)
    await agree(visitor, ingestion)
    proxy.delayMs = 50
    await finish(visitor, ingestion)
  })

  it('[PG30] comes back by itself each time it is cut off, and misses nothing', async () => {
    const { visitor, page, ingestion } = await watch()
    for (let cut = 1; cut <= 3; cut += 1) {
      await becomes(page, 'connected')
      world.server.proxy.cut()
      ingestion.let(4)
      await becomes(page, 'reconnecting')
    }
    await becomes(page, 'connected')
    await agree(visitor, ingestion)
    await finish(visitor, ingestion)
  })

  it('[PG30] waits while nobody is there or all is answered 503, says so, and is back when they are', async () => {
    const { proxy } = world.server
    const { visitor, page, ingestion } = await watch(withClock)
    proxy.isRefusing = true
    await becomes(page, 'reconnecting')
    ingestion.let(4)
    await eventually(() => read(page.getByTestId('connection'))).toMatch(/attempt \d+ in \d+ s/)
    proxy.isRefusing = false
    await runsUntil(page, 'connected', 35_000)
    await agree(visitor, ingestion)

    const stop = proxy.answer(503, ({ path }) => !path.startsWith('/assets/'), Number.POSITIVE_INFINITY)
    proxy.cut()
    ingestion.let(4)
    await becomes(page, 'reconnecting')
    stop()
    await runsUntil(page, 'connected|degraded', 40_000)
    await runsUntil(page, 'connected', 35_000)
    await agree(visitor, ingestion)

    await proxy.stop()
    ingestion.let(4)
    await becomes(page, 'reconnecting')
    await proxy.start()
    await runsUntil(page, 'connected', 35_000)
    await agree(visitor, ingestion)
    await finish(visitor, ingestion)
  })

  it('[PG30] is back after the server was stopped and started, and goes on where it was', async () => {
    const { inner } = world.server
    const { visitor, page, ingestion } = await watch()
    await inner.stop()
    await becomes(page, 'reconnecting')
    await inner.start()
    world.server.follow()
    await becomes(page, 'connected', 35_000)
    ingestion.let(8)
    await visitor.reaches('extract', 40)
    await agree(visitor, ingestion)
    await finish(visitor, ingestion)
  })

  it('[PG31][X2a] notices a WebSocket that fell silent, goes on by other means, and does not trust it before it speaks', async () => {
    const { proxy } = world.server
    const { visitor, page, ingestion } = await watch(withClock)
    await becomes(page, 'connected')
    proxy.mutesSockets = true
    ingestion.let(8)
    // Heartbeats come every 25 s; after two that did not come it is given up.
    expect(await runsUntil(page, 'degraded', 90_000)).toBeGreaterThanOrEqual(45_000)
    await agree(visitor, ingestion)
    const { upgrades } = proxy
    // The next try, and less than what the page takes for the silence of a server whose time is the real one.
    await page.clock.runFor(31_000)
    await eventually(() => proxy.upgrades).toBeGreaterThan(upgrades)
    expect(await connectionState(page)).toBe('degraded')
    ingestion.let(8)
    await agree(visitor, ingestion)
    proxy.mutesSockets = false
    await runsUntil(page, 'connected', 60_000)
    await agree(visitor, ingestion)
    await finish(visitor, ingestion)
  })

  it('[PG32][X2b] goes on by long-poll where answers are held until they are whole', async () => {
    const { proxy } = world.server
    const { visitor, page, ingestion } = await watch(withClock)
    proxy.upgradeAnswer = 502
    proxy.cut()
    await runsUntil(page, 'degraded', 20_000)
    await agree(visitor, ingestion)
    // In the middle of an answer that works.
    proxy.holdsBodies = true
    const before = proxy.requests.length
    ingestion.let(8)
    await runsUntil(page, 'reconnecting|degraded', 5_000)
    for (let passed = 0; readsSince(before).waits === 0; passed += 5_000) {
      expect(passed).toBeLessThan(70_000)
      await page.clock.runFor(5_000)
      await eventually(() => connectionState(page)).toMatch(/degraded|reconnecting/)
    }
    await becomes(page, 'degraded')
    await agree(visitor, ingestion)
    ingestion.let(8)
    await agree(visitor, ingestion)
    await finish(visitor, ingestion)
  })

  it('[PG33][P7a] says degraded where upgrades are refused, in whichever way, and [P7c] is live by itself when they are not', async () => {
    const { proxy } = world.server
    const { visitor, page, ingestion } = await watch(withClock)
    for (const answer of [403, 502, 'plain', 'silent'] as const) {
      await becomes(page, 'connected')
      proxy.upgradeAnswer = answer
      const before = proxy.requests.length
      proxy.cut()
      ingestion.let(3)
      // Three tries with their waits; one that is never answered takes twenty seconds each time.
      await runsUntil(page, 'degraded', answer === 'silent' ? 80_000 : 20_000)
      expect(await read(page.getByTestId('connection'))).toMatch(/degraded/i)
      expect(proxy.requests.slice(before).filter(({ isUpgrade }) => isUpgrade)).toHaveLength(3)
      await agree(visitor, ingestion)
      proxy.upgradeAnswer = 'pass'
      await runsUntil(page, 'connected', 60_000)
      await agree(visitor, ingestion)
    }
    await finish(visitor, ingestion)
  })

  it('[PG33][P7d] gives up after ten attempts where nothing else works either, and a person can try again', async () => {
    const { proxy } = world.server
    const { visitor, page, ingestion } = await watch(withClock)
    proxy.answer(503, ({ path }) => /^\/(v1|api)\//.test(path), Number.POSITIVE_INFINITY)
    proxy.cut()
    await runsUntil(page, 'error', 300_000)
    ingestion.let(8)
    proxy.pass()
    await page.getByTestId('reconnect').click()
    await becomes(page, 'connected')
    await agree(visitor, ingestion)
    await finish(visitor, ingestion)
  })

  it('[PG34] is not thrown out by one 401 of something in between, be it of an upgrade or of a request', async () => {
    const { proxy } = world.server
    const { visitor, page, ingestion } = await watch()
    proxy.answer(401, ({ isUpgrade }) => isUpgrade)
    proxy.cut()
    ingestion.let(4)
    await becomes(page, 'reconnecting')
    await becomes(page, 'connected')
    await agree(visitor, ingestion)
    proxy.answer(401, ({ path, isUpgrade }) => !isUpgrade && /^\/(v1|api)\//.test(path))
    await page.reload()
    await becomes(page, 'connected')
    await agree(visitor, ingestion)
    expect(await page.getByTestId('sign-in').count()).toBe(0)
    await finish(visitor, ingestion)
  })

  it('[PG35][P7b] works as a whole where there is no WebSocket: it starts, watches and ends, marked as degraded', async () => {
    const { proxy } = world.server
    let upgrades = 0
    const { visitor, page, ingestion } = await watch(async (page) => {
      await page.addInitScript('delete window.WebSocket')
      await page.reload()
      upgrades = proxy.upgrades
    })
    expect(await page.evaluate('typeof window.WebSocket')).toBe('undefined')
    await becomes(page, 'degraded')
    await agree(visitor, ingestion)
    ingestion.let(8)
    await agree(visitor, ingestion)
    await finish(visitor, ingestion)

    const folder = await world.server.inner.makeFolder(3)
    await page.getByTestId('add-documents').click()
    await page.getByTestId('folder-input').setInputFiles(folder)
    await eventually(async () => (await visitor.counts()).files).toBe(3)
    await endsRight(visitor, world.server, ingestion.projectId)
    expect(proxy.upgrades).toBe(upgrades)
  })

  it('[PG36] says offline while the device is, and is back at once when it is not', async () => {
    const { proxy } = world.server
    const { visitor, page, ingestion } = await watch()
    await becomes(page, 'connected')
    await page.context().setOffline(true)
    proxy.cut()
    ingestion.let(8)
    await eventually(() => read(page.getByTestId('connection'))).toMatch(/offline/i)
    expect(await connectionState(page)).not.toBe('connected')
    const from = Date.now()
    await page.context().setOffline(false)
    await becomes(page, 'connected')
    expect(Date.now() - from).toBeLessThan(8_000)
    await agree(visitor, ingestion)
    await finish(visitor, ingestion)
  })
})
