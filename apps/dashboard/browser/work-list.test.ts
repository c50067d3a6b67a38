import type { Page } from 'playwright-core'
import { beforeAll } from 'vitest'
import { noCredits } from './test-support/survey.ts'
import { answered, LOSS, read, WAIT } from './test-support/visitor.ts'
import { WorkServer } from './test-support/work-server.ts'
import { describeWithServer, eventually, expect, it } from './test-support/world.ts'

/** The rows of the list, as `name status`, and one of them. */
const rows = (page: Page) => page.getByTestId('run-row')
const row = (page: Page, id: string) => page.locator(`[data-testid=run-row][data-run="${id}"]`)
const ids = (page: Page) => rows(page).evaluateAll((all) => all.map((one) => one.getAttribute('data-run')))
const chip = (page: Page, id: string) => read(row(page, id).getByTestId('status'))

describeWithServer('the list of runs', WorkServer.start, (world) => {
  it('[PG50] says what runs are and how to have one while there is none', async () => {
    const { page } = await world.visitor()
    await page.goto('/work')
    const first = page.getByTestId('first-run')
    await first.waitFor()
    expect(await read(first)).toMatch(/holdfast ingest \.\/docs[\s\S]+"name":"hello"/)
    // The example does what it says.
    const body = /-d '(.+)'/.exec(await read(first))?.[1] ?? ''
    const { id } = await world.server.request<{ id: string }>('POST', '/api/runs', JSON.parse(body))
    await row(page, id).waitFor()
    expect(await read(row(page, id))).toMatch(/Queued[\s\S]+hello[\s\S]+No worker that is there knows version 1/)
    await world.server.request('POST', `/api/runs/${id}/cancel`)
    await eventually(() => chip(page, id)).toBe('Cancelled')
  })

  it('[PG49][O12a] shows how far each is and why it waits, and follows it without asking for the rest', async () => {
    const { server } = world
    server.survey.hold('skerry')
    const id = await server.begin(['harbour', 'skerry', 'mole'])
    const later = await server.begin(['mole'], {}, { delaySeconds: 3600 })
    await server.stands(id, 'working')
    const { page } = await world.visitor()
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).search))
    await page.goto('/work')
    await eventually(() => chip(page, id)).toBe('Working')
    await eventually(() => read(row(page, id))).toMatch(/26 %/)
    expect(await read(row(page, later))).toMatch(/Queued[\s\S]+It is due at/)
    // Once changes are followed the list is read again: some may have come before that.
    let seen = -1
    const isAtRest = () => {
      const before = seen
      seen = asked.length
      return seen === before
    }
    await expect.poll(isAtRest, { interval: 1_500, timeout: 20_000 }).toBe(true)
    asked.length = 0
    server.survey.letGo('skerry')
    await eventually(() => chip(page, id)).toBe('Done')
    const lists = asked.filter((query) => query.includes('limit='))
    expect(lists.length).toBeGreaterThan(0)
    expect(lists.filter((query) => !query.includes('ids='))).toEqual([])
    await eventually(() => read(page.getByTestId('tab-done'))).toMatch(/^Done\s*1$/)
  })

  it('[PG49][PG22] runs that come while somebody reads wait above, and what matches no more stays in its place', async () => {
    const { server } = world
    server.survey.hold('reef')
    const id = await server.begin(['reef'])
    await server.stands(id, 'working')
    const { page } = await world.visitor()
    await page.goto('/work?status=working')
    await row(page, id).waitFor()
    await page.keyboard.press('j')
    server.survey.hold('bight')
    const other = await server.begin(['bight'])
    await page.getByTestId('new-rows').waitFor()
    expect(await read(page.getByTestId('new-rows'))).toBe('1 new')
    expect(await row(page, other).count()).toBe(0)
    server.survey.letGo('reef')
    await eventually(() => chip(page, id)).toBe('Done')
    await page.getByTestId('new-rows').click()
    await eventually(() => ids(page)).toEqual([other])
    server.survey.letGo('bight')
    await page.evaluate('document.activeElement?.blur()')
    await eventually(() => ids(page)).toEqual([])
    await page.getByTestId('no-match').waitFor()
  })

  it('[PG50] is filtered, searched and sorted by the address; what is on can be removed, and pages join', async () => {
    const { server } = world
    server.survey.break('wreck', noCredits())
    const failed = await server.begin(['wreck'], {}, { queue: 'divers' })
    await server.stands(failed, 'failed')
    const { page } = await world.visitor()
    await page.goto('/work')
    await rows(page).first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('no more permits')
    await eventually(() => ids(page)).toEqual([failed])
    expect(page.url()).toMatch(/\?q=no\+more\+permits$/)
    expect(await read(page.getByTestId('runs-total'))).toBe('1 run that matches')
    await page.getByRole('button', { name: 'Remove the filter Text: no more permits' }).click()
    await eventually(() => rows(page).count()).toBeGreaterThan(1)
    await page.getByTestId('tab-failed').click()
    await eventually(() => ids(page)).toEqual([failed])
    expect(await read(row(page, failed))).toContain('gives no more permits until 1 December')
    await page.goto('/work?queue=divers&sort=oldest')
    await eventually(() => ids(page)).toEqual([failed])
    await page.getByRole('button', { name: 'Remove the filter Queue: divers' }).click()
    await eventually(async () => (await ids(page)).at(-1)).toBe(failed)

    for (let n = 0; n < 60; n += 1) await server.begin(['mole'], {}, { queue: 'many', delaySeconds: 3600 })
    await page.goto('/work?queue=many')
    await eventually(() => rows(page).count()).toBe(50)
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)')
    await eventually(() => rows(page).count()).toBe(60)
    expect(new Set(await ids(page)).size).toBe(60)

    await page.goto('/work?q=nobody')
    await page.getByTestId('no-match').waitFor()
    await page.getByRole('button', { name: 'Show all runs' }).click()
    await rows(page).first().waitFor()
  })

  it('[PG51][PG6] the row in focus is opened, paused, resumed, cancelled and tried again by its keys', async () => {
    const { server } = world
    const id = await server.begin(['mole'], {}, { queue: 'keys', delaySeconds: 3600 })
    const { page } = await world.visitor()
    await page.goto('/work?queue=keys')
    await row(page, id).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('p')
    await eventually(() => chip(page, id)).toBe('Paused')
    expect((await server.run(id)).paused).toBe(true)
    await page.keyboard.press('p')
    await eventually(() => chip(page, id)).toBe('Queued')
    await page.keyboard.press('c')
    expect(await read(page.getByRole('dialog'))).toContain('It has not begun, so nothing is lost.')
    await page.getByTestId('confirm-cancel-run').click()
    await eventually(() => chip(page, id)).toBe('Cancelled')
    await page.keyboard.press('r')
    await eventually(async () => (await server.run(id)).retriedBy).not.toBe(null)
    const retry = (await server.run(id)).retriedBy ?? ''
    await row(page, id).getByRole('link', { name: 'tried again' }).waitFor()
    await page.goto('/work?queue=keys')
    await row(page, retry).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/work/${retry}`)
    await page.getByTestId('run-status').waitFor()
  })

  it('[PG53][O13c] a command on a run that has changed is put back, and how it stands is told', async () => {
    const { server } = world
    server.survey.hold('sound')
    const id = await server.begin(['sound'], {}, { queue: 'conflict' })
    await server.stands(id, 'working')
    const visitor = await world.visitor()
    visitor.expectTrouble(answered(409))
    const { page } = visitor
    await page.goto('/work?queue=conflict')
    await eventually(() => chip(page, id)).toBe('Working')
    const gate = Promise.withResolvers<void>()
    await page.route(`**/api/runs/${id}/pause`, async (route) => {
      await gate.promise
      await route.continue()
    })
    await page.keyboard.press('j')
    await page.keyboard.press('p')
    await eventually(() => chip(page, id)).toBe('Pausing')
    // Meanwhile it ends.
    server.survey.letGo('sound')
    await server.stands(id, 'done')
    gate.resolve()
    const notice = page.getByTestId('notice').filter({ hasText: 'survey was not paused' })
    await notice.waitFor()
    expect(await read(notice)).toContain('It had changed meanwhile. It is done.')
    await eventually(() => chip(page, id)).toBe('Done')
  })

  it('[PG53] a command that nobody answers is put back and offered again', async () => {
    const { server } = world
    const id = await server.begin(['mole'], {}, { queue: 'away', delaySeconds: 3600 })
    const visitor = await world.visitor()
    visitor.expectTrouble(LOSS)
    visitor.expectTrouble(/ERR_FAILED/)
    const { page } = visitor
    await page.goto('/work?queue=away')
    await row(page, id).waitFor()
    await page.route(`**/api/runs/${id}/pause`, (route) => route.abort())
    await page.keyboard.press('j')
    await page.keyboard.press('p')
    const notice = page.getByTestId('notice').filter({ hasText: 'survey was not paused' })
    await notice.waitFor()
    expect(await chip(page, id)).toBe('Queued')
    await page.unroute(`**/api/runs/${id}/pause`)
    await notice.getByRole('button', { name: 'Try again' }).click()
    await eventually(() => chip(page, id)).toBe('Paused')
  })

  it('[PG50] who may not see it is told what is missing, and who may only look is offered nothing to change', async () => {
    const visitor = await world.visitor()
    visitor.expectTrouble(answered(403))
    const { page } = visitor
    const me = { kind: 'user', id: 'reader', scope: ['read:*'], expiresAt: null }
    await page.route('**/api/me', (route) => route.fulfill({ json: me }))
    await page.goto('/work')
    await rows(page).first().waitFor()
    expect(await page.locator('[data-select]').count()).toBe(0)
    expect(await page.getByRole('button', { name: /^What to do with/ }).count()).toBe(0)
    const problem = { title: 'You may not do this.', status: 403, code: 'FORBIDDEN', kind: 'auth', retry: false }
    await page.route('**/api/runs?*', (route) => route.fulfill({ status: 403, json: problem }))
    await page.reload()
    expect(await read(page.getByTestId('no-permission'))).toContain('read:runs')
  })
})

describeWithServer('many runs at once', WorkServer.start, (world) => {
  beforeAll(async () => {
    for (let n = 0; n < 70; n += 1) await world.server.begin(['mole'], {}, { queue: 'fleet', delaySeconds: 3600 })
  }, WAIT.timeout)

  it('[PG52][PG22] all that match are paused with their number, shown as it goes, and taken back', async () => {
    const { page } = await world.visitor()
    await page.goto('/work?queue=fleet')
    await eventually(() => rows(page).count()).toBe(50)
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    expect(await read(page.getByTestId('selection-bar'))).toMatch(/^1 run selected/)
    await page.getByRole('button', { name: 'Select all 70 that match' }).click()
    await page.getByTestId('bulk-pause').click()
    const dialog = page.getByRole('dialog')
    await eventually(() => read(dialog)).toMatch(/^Pause 70 runs\?\s+70 runs stop until resumed\./)
    await page.getByTestId('confirm-bulk').click()
    const batch = page.getByTestId('batch')
    await eventually(() => read(batch)).toMatch(/^70 runs were paused\./)
    await eventually(() => page.locator('[data-testid=run-row] [data-testid=status]').allInnerTexts()).toSatisfy(
      (words: string[]) => words.length >= 50 && words.every((word) => word === 'Paused'),
    )
    // It stands in the address.
    await page.reload()
    await eventually(() => read(batch)).toMatch(/^70 runs were paused\./)
    await page.getByTestId('undo-batch').click()
    await eventually(() => read(batch)).toMatch(/^70 runs were resumed\.[\s\S]+takes the action before it back/)
    const { count } = await world.server.request<{ count: number }>('GET', '/api/runs/count?queue=fleet&status=queued')
    expect(count).toBe(70)
  })

  it('[PG52][O13c] where there are others by then nothing is done, and the new number is told', async () => {
    const visitor = await world.visitor()
    visitor.expectTrouble(answered(409))
    const { page } = visitor
    await page.goto('/work?queue=fleet')
    await eventually(() => rows(page).count()).toBe(50)
    await page.getByRole('checkbox', { name: /^Select all/ }).click()
    await page.getByRole('button', { name: /^Select all \d+ that match/ }).click()
    await page.getByTestId('bulk-cancel').click()
    const dialog = page.getByRole('dialog')
    await eventually(() => read(dialog)).toMatch(/^Cancel 70 runs\?/)
    await world.server.begin(['mole'], {}, { queue: 'fleet', delaySeconds: 3600 })
    await page.getByTestId('confirm-bulk').click()
    await eventually(() => read(dialog.getByTestId('count-changed'))).toBe(
      'Nothing was done. It was about 70 runs, and now there are 71.',
    )
    await eventually(() => read(page.getByTestId('confirm-bulk'))).toBe('Cancel 71 runs')
    await page.getByRole('button', { name: 'Leave them as they are' }).click()
    const { count } = await world.server.request<{ count: number }>('GET', '/api/runs/count?queue=fleet&status=queued')
    expect(count).toBe(71)
  })

  it('[PG52] some of them get another priority; what was taken out again is left', async () => {
    const { page } = await world.visitor()
    await page.goto('/work?queue=fleet')
    await eventually(() => rows(page).count()).toBe(50)
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.getByTestId('bulk-priority').click()
    await page.getByRole('textbox', { name: /^Priority/ }).fill('300')
    await page.getByTestId('confirm-bulk').click()
    await eventually(() => read(page.getByTestId('batch'))).toMatch(/^2 runs were given another priority\./)
    await eventually(() => page.getByText('+300').count()).toBe(2)

    await page.getByRole('checkbox', { name: /^Select all/ }).click()
    await page.getByRole('button', { name: /^Select all \d+ that match/ }).click()
    await rows(page).first().getByRole('checkbox').click()
    await page.getByTestId('bulk-cancel').click()
    await eventually(() => read(page.getByRole('dialog'))).toMatch(/^Cancel 70 runs\?/)
    await page.getByTestId('confirm-bulk').click()
    await eventually(() => read(page.getByTestId('batch'))).toMatch(/^70 runs were cancelled\./)
    const { count } = await world.server.request<{ count: number }>('GET', '/api/runs/count?queue=fleet&status=queued')
    expect(count).toBe(1)
  })
})
