import type { Paged, QueuesView, RunSummary } from '@holdfast/protocol/runs'
import type { Page } from 'playwright-core'
import { noCredits } from './test-support/survey.ts'
import { answered, LEFT_EARLY, read } from './test-support/visitor.ts'
import { WorkServer } from './test-support/work-server.ts'
import { describeWithServer, eventually, expect, it } from './test-support/world.ts'

const rowOf = (page: Page, queue: string) => page.locator(`[data-queue="${queue}"]`)

const queueOf = async (server: WorkServer, name: string) => {
  const { queues } = await server.request<QueuesView>('GET', '/api/queue')
  return queues.find((queue) => queue.name === name)
}

/** The order as the server has it. */
async function orderOf(server: WorkServer, queue: string): Promise<string[]> {
  const { items } = await server.request<Paged<RunSummary>>('GET', `/api/queue/${queue}/entries`)
  return items.map(({ id }) => id)
}

/** The order as the page shows it. */
const shownOrder = (page: Page) =>
  page.getByTestId('entry').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id') ?? ''))

/** A queue that is paused with so many runs in line, in their order. */
async function makeLine(server: WorkServer, queue: string, count: number): Promise<string[]> {
  await server.request('POST', `/api/queue/${queue}`, { paused: true })
  const ids: string[] = []
  for (let run = 0; run < count; run += 1) ids.push(await server.begin([`${queue} ${run}`], {}, { queue }))
  return ids
}

describeWithServer('the queues', WorkServer.start, (world) => {
  const open = async (search = '', options = {}) => {
    const visitor = await world.visitor(options)
    visitor.expectTrouble(LEFT_EARLY)
    await visitor.page.goto(`/work/queues${search}`)
    await visitor.page.getByTestId('queues').waitFor()
    return visitor
  }

  it('[PG68][O12a] shows each queue with its figures, live, and pauses and resumes it', async () => {
    const { server } = world
    server.survey.hold('berth')
    const id = await server.begin(['berth'], {}, { queue: 'harbour' })
    await server.stands(id, 'working')
    const { page } = await open()
    const row = rowOf(page, 'harbour')
    await eventually(() => read(row)).toMatch(/^harbour\s+Working/)
    const figure = (name: string) => read(row.getByTestId(`count-${name}`))
    expect([await figure('working'), await figure('queued'), await figure('waiting')]).toEqual(['1', '0', '0'])
    await row.getByTestId('pause').click()
    await eventually(() => read(row)).toMatch(/^harbour\s+Paused/)
    expect((await queueOf(server, 'harbour'))?.paused).toBe(true)
    const next = await server.begin(['pontoon'], {}, { queue: 'harbour' })
    await eventually(() => read(row.getByTestId('count-queued'))).toBe('1')
    server.survey.letGo('berth')
    await eventually(() => read(row.getByTestId('count-working'))).toBe('0')
    expect((await server.run(next)).status).toBe('queued')

    await row.getByRole('link', { name: 'harbour' }).click()
    const entry = page.getByTestId('entry')
    expect(await read(entry.getByTestId('why'))).toBe((await server.run(next)).why)
    await row.getByTestId('resume').click()
    await server.stands(next, 'done')
    await eventually(() => entry.count()).toBe(0)
    await eventually(() => read(page.getByTestId('entries'))).toContain('Nobody is in line')
  })

  it('[PG68][O12b] limits how many work at a time: by steps, by typing, to none and without limit', async () => {
    const { server } = world
    server.survey.hold('crane a', 'crane b')
    await server.request('POST', '/api/queue/cranes', { concurrency: 1 })
    const first = await server.begin(['crane a'], {}, { queue: 'cranes' })
    const second = await server.begin(['crane b'], {}, { queue: 'cranes' })
    await server.stands(first, 'working')
    const { page } = await open()
    const row = rowOf(page, 'cranes')
    await eventually(() => read(row)).toMatch(/^cranes\s+Full/)
    expect((await server.run(second)).status).toBe('queued')
    await row.getByTestId('more').click()
    await server.stands(second, 'working')
    await eventually(() => read(row.getByTestId('count-working'))).toBe('2')
    const limit = row.getByTestId('limit')
    await limit.fill('0')
    await limit.press('Enter')
    await eventually(() => read(row)).toMatch(/^cranes\s+Paused/)
    await eventually(async () => (await queueOf(server, 'cranes'))?.concurrency).toBe(0)
    await limit.press('ArrowUp')
    await eventually(async () => (await queueOf(server, 'cranes'))?.concurrency).toBe(1)
    await limit.fill('many')
    expect(await limit.getAttribute('aria-invalid')).toBe('true')
    await limit.press('Escape')
    expect(await limit.inputValue()).toBe('1')
    await limit.fill('')
    await limit.press('Enter')
    await eventually(async () => (await queueOf(server, 'cranes'))?.concurrency).toBe(null)
    server.survey.letGo('crane a', 'crane b')
    await server.stands(second, 'done')
  })

  it('[PG68] puts a limit back that the server refused, and says so', async () => {
    const { server } = world
    await server.request('POST', '/api/queue/docks', { concurrency: 3 })
    const visitor = await open()
    const { page } = visitor
    visitor.expectTrouble(answered(503))
    await page.route('**/api/queue/docks', (route) => route.fulfill({ status: 503, body: '' }))
    const row = rowOf(page, 'docks')
    await row.getByTestId('less').click()
    await eventually(() => page.getByTestId('notice').allInnerTexts()).toContainEqual(
      expect.stringContaining('docks stays as it was'),
    )
    expect(await row.getByTestId('limit').inputValue()).toBe('3')
    expect((await queueOf(server, 'docks'))?.concurrency).toBe(3)
  })

  it('[PG68] shows providers with who waits for a place there, and the workers', async () => {
    const { server } = world
    await server.request('POST', '/api/queue/providers/ferry', { concurrency: 1 })
    server.survey.hold('island a', 'island b')
    const first = await server.begin(['island a'], {}, { queue: 'tours' })
    await server.stands(first, 'working')
    const second = await server.begin(['island b'], {}, { queue: 'tours' })
    const { page } = await open()
    const row = page.locator('[data-provider=ferry]')
    await eventually(() => read(row)).toMatch(/^ferry\s+Full\s+1\s+of[\s\S]*\s1\s*$/)
    server.survey.letGo('island a', 'island b')
    await server.stands(second, 'done')
    await eventually(() => read(row)).toMatch(/^ferry\s+Open/)
    await eventually(() => read(page.getByTestId('workers'))).toMatch(/Server\s+.*survey 1/s)
  })

  it('[PG68] leads to the failures of a queue, by cause', async () => {
    const { server } = world
    server.survey.break('jetty', noCredits())
    const id = await server.begin(['jetty'], {}, { queue: 'repairs' })
    await server.stands(id, 'failed')
    const { page } = await open()
    await eventually(() => read(rowOf(page, 'repairs').getByTestId('count-failed').first())).toBe('1')
    await rowOf(page, 'repairs').getByTestId('count-failed').first().click()
    await eventually(() => new URL(page.url()).pathname + new URL(page.url()).search).toBe(
      '/work/failures?queue=repairs',
    )
    server.survey.mend('jetty')
  })

  it('[PG69][O12c] moves an entry by dragging it, at once and for the server', async () => {
    const { server } = world
    const ids = await makeLine(server, 'slow', 5)
    const { page } = await open('?queue=slow')
    await eventually(() => shownOrder(page)).toEqual(ids)
    expect(await page.getByTestId('position').allInnerTexts()).toEqual(['1', '2', '3', '4', '5'])
    const handles = page.getByTestId('handle')
    const from = await handles.nth(4).boundingBox()
    const to = await handles.nth(1).boundingBox()
    if (!from || !to) throw new Error('there are no handles')
    await page.mouse.move(from.x + 8, from.y + 8)
    await page.mouse.down()
    await page.mouse.move(to.x + 8, to.y + 20, { steps: 8 })
    await page.mouse.move(to.x + 8, to.y, { steps: 2 })
    await page.mouse.up()
    const [a, b, c, d, e] = ids as [string, string, string, string, string]
    await eventually(() => shownOrder(page)).toEqual([a, e, b, c, d])
    await eventually(() => orderOf(server, 'slow')).toEqual([a, e, b, c, d])
    // An Escape in the middle puts it back, and a press is no drag.
    await page.mouse.move(from.x + 8, from.y + 8)
    await page.mouse.down()
    await page.mouse.move(to.x + 8, to.y, { steps: 4 })
    await page.keyboard.press('Escape')
    await page.mouse.up()
    expect(await shownOrder(page)).toEqual([a, e, b, c, d])
    expect(page.url()).toContain('queue=slow')
  })

  it('[PG69] moves an entry by keys, with a word for it, and by the menu', async () => {
    const { server } = world
    const ids = await makeLine(server, 'keys', 4)
    const [a, b, c, d] = ids as [string, string, string, string]
    const { page } = await open('?queue=keys')
    await eventually(() => shownOrder(page)).toEqual(ids)
    await page.getByTestId('handle').nth(2).focus()
    await page.keyboard.press('ArrowUp')
    await eventually(() => shownOrder(page)).toEqual([a, c, b, d])
    await eventually(() => page.getByTestId('entries').getByRole('status').innerText()).toBe('survey stands at 2 of 4.')
    expect(await page.evaluate("document.activeElement.closest('[data-id]')?.dataset.id")).toBe(c)
    await eventually(() => orderOf(server, 'keys')).toEqual([a, c, b, d])
    await page.locator(`[data-id="${d}"]`).focus()
    await page.keyboard.press('t')
    await eventually(() => orderOf(server, 'keys')).toEqual([d, a, c, b])
    await page.keyboard.press('d')
    await eventually(() => orderOf(server, 'keys')).toEqual([a, d, c, b])
    await page.locator(`[data-id="${b}"]`).getByTestId('move').click()
    await page.getByRole('menuitem', { name: 'To the front' }).click()
    await eventually(() => orderOf(server, 'keys')).toEqual([b, a, d, c])
    await eventually(() => shownOrder(page)).toEqual([b, a, d, c])
  })

  it('[PG69] moves an entry by thumb, on a phone', async () => {
    const { server } = world
    const [a, b, c] = (await makeLine(server, 'thumb', 3)) as [string, string, string]
    const visitor = await world.visitor({ width: 380, touch: true })
    visitor.expectTrouble(LEFT_EARLY)
    const { page } = visitor
    await page.goto('/work/queues?queue=thumb')
    await eventually(() => shownOrder(page)).toEqual([a, b, c])
    const handles = page.getByTestId('handle')
    const from = await handles.nth(2).boundingBox()
    const to = await handles.nth(0).boundingBox()
    if (!from || !to) throw new Error('there are no handles')
    expect(from.width).toBeGreaterThanOrEqual(40)
    expect(from.height).toBeGreaterThanOrEqual(40)
    const session = await page.context().newCDPSession(page)
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', y?: number) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: y === undefined ? [] : [{ x: from.x + 20, y }],
      })
    await touch('touchStart', from.y + 20)
    for (let step = 1; step <= 6; step += 1) await touch('touchMove', from.y + 20 + ((to.y - from.y - 10) * step) / 6)
    await touch('touchEnd')
    await eventually(() => shownOrder(page)).toEqual([c, a, b])
    await eventually(() => orderOf(server, 'thumb')).toEqual([c, a, b])
  })

  it('[PG69][O13c] puts an entry back that had begun meanwhile, and says how it stands', async () => {
    const { server } = world
    const ids = await makeLine(server, 'race', 3)
    const last = ids[2] as string
    server.survey.hold('race 2')
    const visitor = await open('?queue=race')
    const { page } = visitor
    await eventually(() => shownOrder(page)).toEqual(ids)
    visitor.expectTrouble(answered(409))
    await page.route('**/move', async (route) => {
      await server.request('POST', '/api/queue/race', { paused: false })
      await server.stands(last, 'working')
      await route.continue()
    })
    await page.locator(`[data-id="${last}"]`).getByTestId('move').click()
    await page.getByRole('menuitem', { name: 'To the front' }).click()
    await eventually(() => page.getByTestId('notice').allInnerTexts()).toContainEqual(
      expect.stringMatching(/survey kept its place\s+It had changed meanwhile. It is working now/),
    )
    await eventually(() => shownOrder(page)).toEqual([])
    server.survey.letGo('race 2')
  })

  it('[PG68] lets whoever may only look see all of it, and change nothing', async () => {
    const { server } = world
    await makeLine(server, 'looked-at', 2)
    const visitor = await world.visitor()
    visitor.expectTrouble(LEFT_EARLY)
    const { page } = visitor
    await page.route('**/api/me', (route) =>
      route.fulfill({ json: { kind: 'user', id: 'u1', scope: ['read:*'], expiresAt: null } }),
    )
    await page.goto('/work/queues?queue=looked-at')
    await eventually(() => page.getByTestId('entry').count()).toBe(2)
    expect(await page.getByTestId('pause').count()).toBe(0)
    expect(await page.getByTestId('limit').count()).toBe(0)
    expect(await page.getByTestId('handle').count()).toBe(0)
  })
})
