import type { Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach } from 'vitest'
import { type PacedIngestion, PacedServer } from '../../../bench/measure/paced-server.ts'
import { becomes, describeBehindProxy, FAULTS } from './test-support/behind-proxy.ts'
import { buildHarness, openHarness } from './test-support/harness-page.ts'
import { read } from './test-support/visitor.ts'
import { eventually, expect, it } from './test-support/world.ts'

describeBehindProxy('clients with tokens, and hooks that are told of an end', PacedServer.start, (world) => {
  let script = ''
  beforeAll(async () => {
    script = await buildHarness('client-harness.tsx')
  })
  beforeEach(() => world.server.proxy.pass())
  afterEach(() => world.server.inner.letAll())

  const tokenFor = async (...scope: string[]) => {
    const asked = { subject: 'user-1', scope, expiresIn: 600 }
    return (await world.server.request<{ token: string }>('POST', '/api/auth/token', asked)).token
  }

  /** A browser that was never signed in, and a way to open tabs in it that come with a token. */
  async function browser(ingestion: PacedIngestion) {
    const visitor = await world.visitor({ signedIn: false })
    visitor.expectTrouble(FAULTS)
    let isFirst = true
    const open = async (token: string) => {
      const page = isFirst ? visitor.page : await visitor.page.context().newPage()
      isFirst = false
      const { projectId: project, ingestionId } = ingestion
      await openHarness(page, script, { project, ingestion: ingestionId, with: token })
      await becomes(page, 'connected')
      return page
    }
    return { visitor, open }
  }

  const role = (page: Page) => read(page.getByTestId('connection'))
  const append = (page: Page, by: string) =>
    page.evaluate<string>(`harness.append('notes/n1', ${JSON.stringify({ by })})`)
  const told = async (page: Page) => JSON.parse(await read(page.getByTestId('each')))

  it('[PG39] tabs share only with those of the same rights: who may only read never writes through another', async () => {
    const { inner, proxy } = world.server
    await world.server.makeStream('notes/n1')
    const { open } = await browser(await inner.ingest('Watched', 10))
    const writer = await open(await tokenFor('read:*', 'append:notes/*'))
    const reader = await open(await tokenFor('read:*'))
    const secondReader = await open(await tokenFor('read:*'))
    await eventually(() => role(secondReader)).toBe('follower')
    expect([await role(writer), await role(reader)]).toEqual(['leader', 'leader'])
    expect(proxy.sockets).toBe(2)
    expect(await append(reader, 'the reader')).toBe('refused: FORBIDDEN')
    expect(await append(secondReader, 'the second reader')).toBe('refused: FORBIDDEN')
    expect(await append(writer, 'the writer')).toBe('appended')
    await writer.close()
    expect(await append(secondReader, 'the second reader')).toBe('refused: FORBIDDEN')
    expect(await world.server.request('GET', '/v1/stream/notes/n1')).toEqual([{ by: 'the writer' }])
  })

  it('[PG39][X9b] every tab of the same rights writes, once, through the one with the connection', async () => {
    const { inner, proxy } = world.server
    await world.server.makeStream('notes/n1')
    const { open } = await browser(await inner.ingest('Watched', 10))
    const token = await tokenFor('read:*', 'append:notes/*')
    const tabs = [await open(token), await open(token), await open(token)]
    await eventually(async () => Promise.all(tabs.map(role))).toEqual(['leader', 'follower', 'follower'])
    expect(proxy.sockets).toBe(1)
    const before = (await world.server.request<unknown[]>('GET', '/v1/stream/notes/n1')).length
    for (const [index, tab] of tabs.entries()) expect(await append(tab, `tab ${index}`)).toBe('appended')
    // While it is cut, and while the one with the connection goes.
    proxy.cut()
    const during = tabs.slice(1).map((tab, index) => append(tab, `tab ${index + 1}, cut`))
    await tabs[0]?.close()
    expect(await Promise.all(during)).toEqual(['appended', 'appended'])
    const notes = await world.server.request<{ by: string }[]>('GET', '/v1/stream/notes/n1')
    const writers = notes.slice(before).map(({ by }) => by)
    expect(writers.slice(0, 3)).toEqual(['tab 0', 'tab 1', 'tab 2'])
    expect(writers.slice(3).sort()).toEqual(['tab 1, cut', 'tab 2, cut'])
  })

  it('[PG34] a token that is refused once, on whatever transport, is asked for again, and reading goes on', async () => {
    const { inner, proxy } = world.server
    const ingestion = await inner.ingest('Watched', 40)
    const { open } = await browser(ingestion)
    const page = await open(await tokenFor('read:*'))
    const grows = async (by: number) => {
      const { phases } = await told(page)
      ingestion.let(by)
      await eventually(async () => (await told(page)).phases[1]?.percent).toBeGreaterThan(phases[1]?.percent ?? 0)
    }
    proxy.answer(401, ({ isUpgrade }) => isUpgrade)
    proxy.cut()
    await becomes(page, 'connected')
    await grows(4)
    // Events in an answer, then long-polls.
    proxy.upgradeAnswer = 502
    proxy.cut()
    await becomes(page, 'degraded')
    await grows(4)
    proxy.answer(401, ({ path }) => path.startsWith('/v1/read'))
    proxy.cut()
    await becomes(page, 'degraded')
    await grows(4)
    proxy.pass()
  })

  it('[PG40][REACT3][CL20] onComplete is called once per mounted hook, and onceEver once over all tabs and reloads', async () => {
    const { inner, proxy } = world.server
    const ingestion = await inner.ingest('Watched', 12)
    const { visitor, open } = await browser(ingestion)
    const calls: string[] = []
    await visitor.page.context().exposeFunction('onCompleted', (hook: string) => {
      calls.push(hook)
    })
    const counted = () => {
      const count = (hook: string) => calls.filter((called) => called === hook).length
      return { each: count('each'), eachToo: count('each too'), ever: count('ever') }
    }
    const ends = (tab: Page) => eventually(async () => (await told(tab)).connection.state).toBe('completed')
    const token = await tokenFor('read:*')
    const tabs = [await open(token), await open(token), await open(token)]
    ingestion.let(4)
    await tabs[1]?.reload()
    proxy.cut()
    ingestion.letAll()
    proxy.cut()
    for (const tab of tabs) await ends(tab)
    await eventually(counted).toEqual({ each: 3, eachToo: 3, ever: 1 })
    // Found at its end by hooks that are mounted anew.
    for (const tab of tabs) {
      await tab.reload()
      await ends(tab)
    }
    await eventually(counted).toEqual({ each: 6, eachToo: 6, ever: 1 })
    const late = await visitor.page.context().newPage()
    await openHarness(late, script, { project: ingestion.projectId, ingestion: ingestion.ingestionId, with: token })
    await ends(late)
    await eventually(counted).toEqual({ each: 7, eachToo: 7, ever: 1 })
  })
})
