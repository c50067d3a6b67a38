import type { Page } from 'playwright-core'
import { noCredits } from './test-support/survey.ts'
import { answered, LEFT_EARLY, read } from './test-support/visitor.ts'
import { WorkServer } from './test-support/work-server.ts'
import { describeWithServer, eventually, expect, it } from './test-support/world.ts'

const statusOf = (page: Page) => page.getByTestId('run-status').getAttribute('data-status')

/** Every step of the page with how it stands. */
async function stepsOf(page: Page): Promise<string[]> {
  const rows = await page.getByTestId('step').all()
  return Promise.all(
    rows.map(async (row) => `${await row.getAttribute('data-step')} ${await row.getAttribute('data-status')}`),
  )
}

/** How often the bar of what runs is drawn anew in two seconds of the page's own time. */
const GROWING = `new Promise((resolve) => {
  const bar = document.querySelector('[data-status=working] [data-testid=bar]')
  const start = performance.now()
  let times = 0
  const observer = new MutationObserver(() => { times += 1 })
  observer.observe(bar, { attributes: true, attributeFilter: ['style'] })
  setTimeout(() => resolve({ times, ms: performance.now() - start }), 2000)
})`

describeWithServer('a run', WorkServer.start, (world) => {
  const open = async (id: string, search = '') => {
    const visitor = await world.visitor()
    visitor.expectTrouble(LEFT_EARLY)
    await visitor.page.goto(`/work/${id}${search}`)
    await visitor.page.getByTestId('run-status').waitFor()
    return visitor
  }

  it('[PG60][X10a] tells how it stands, since when, its phase, count and percent, live until its end', async () => {
    const { server } = world
    server.survey.hold('skerry')
    const id = await server.begin(['harbour', 'skerry', 'mole'])
    await server.stands(id, 'working')
    const { page } = await open(id)
    expect(await read(page.getByRole('heading', { level: 1 }))).toBe('survey')
    await eventually(() => statusOf(page)).toBe('working')
    expect(await read(page.getByTestId('run-status'))).toMatch(/^Working\s+for (\d+ s|less than 1 s)$/)
    expect(await read(page.getByTestId('fact-id'))).toContain(id)
    expect(await read(page.getByTestId('fact-queue'))).toBe('queue survey')
    expect(await read(page.getByTestId('fact-attempt'))).toBe('attempt 1')
    await eventually(() => read(page.getByTestId('counted'))).toBe('visit: 1 of 3 places')
    expect(await read(page.getByTestId('percent'))).toBe('26 %')
    expect(await read(page.getByTestId('phases'))).toMatch(/visit\s+now\s+report\s+not begun/)
    await eventually(() => read(page.getByTestId('message'))).toBe('skerry')
    await eventually(() => page.title()).toBe('26 % · survey · Holdfast')

    await page.evaluate("document.body.dataset.seen = 'the same page'")
    server.survey.letGo('skerry')
    await eventually(() => statusOf(page)).toBe('done')
    await eventually(() => read(page.getByTestId('percent'))).toBe('100 %')
    expect(await read(page.getByTestId('run-status'))).toMatch(/^Done\s+just now, took/)
    expect(await page.locator('body').getAttribute('data-seen')).toBe('the same page')
  })

  it('[PG60] says in a sentence why it does not work', async () => {
    const id = await world.server.begin(['harbour'], {}, { delaySeconds: 3600 })
    const { page } = await open(id)
    expect(await statusOf(page)).toBe('queued')
    const { why } = await world.server.run(id)
    expect(why).toBeTruthy()
    await eventually(() => read(page.getByTestId('why'))).toBe(why)
  })

  it('[PG61] shows steps as bars over time: what runs grows, tries and failures are told apart', async () => {
    const { server } = world
    server.survey.hold('lighthouse')
    const id = await server.begin(['pier', 'lighthouse'])
    const { page } = await open(id)
    await eventually(() => stepsOf(page)).toEqual(['visit pier done', 'visit lighthouse working'])
    const running = page.locator('[data-step="visit lighthouse"]').getByTestId('bar')
    await running.waitFor()
    const grown = await page.evaluate<{ times: number; ms: number }>(GROWING)
    expect(grown.times).toBeGreaterThan(1)
    // Ten times a second, and once more for each time the axis is drawn anew.
    expect(grown.times).toBeLessThanOrEqual((grown.ms / 1000) * 12 + 2)
    server.survey.break('lighthouse', noCredits())
    server.survey.letGo('lighthouse')
    await eventually(() => stepsOf(page)).toEqual(['visit pier done', 'visit lighthouse failed'])
    const failed = page.locator('[data-step="visit lighthouse"]')
    expect(await read(failed)).toContain('no more permits until 1 December')
    await failed.hover()
    expect(await read(page.getByRole('tooltip'))).toMatch(
      /^started \d\d\/\d\d\/\d{4} [\d:.]+, ended [\d:.]+, took .*, attempt 1/,
    )
    server.survey.mend('lighthouse')
  })

  it('[PG61] shows a step that was tried again with the number of its tries', async () => {
    const { server } = world
    const { HoldfastError } = await import('@holdfast/protocol')
    server.survey.break('buoy', new HoldfastError('SOURCE_UNREACHABLE', 'The ferry does not go.'))
    const id = await server.begin(['buoy'])
    const { page } = await open(id)
    await eventually(() => stepsOf(page)).toEqual(['visit buoy failed'])
    await server.stands(id, 'failed')
    await eventually(() => page.locator('[data-step="visit buoy"]').innerText()).toContain('×2')
    server.survey.mend('buoy')
  })

  it('[PG65][O13a] tries a failed run again from its failed step, as a new run that takes over what was done', async () => {
    const { server } = world
    server.survey.break('reef', noCredits())
    const id = await server.begin(['cove', 'reef', 'ness'])
    await server.stands(id, 'failed')
    const { page } = await open(id)
    expect(await read(page.getByTestId('fault'))).toContain(
      'The harbour office gives no more permits until 1 December.',
    )
    expect(await read(page.getByTestId('failed-step'))).toContain('visit reef')
    server.survey.mend('reef')
    server.survey.visited.length = 0
    await page.getByTestId('retry-failed').click()
    await page.waitForURL((url) => url.pathname !== `/work/${id}`)
    await eventually(() => statusOf(page)).toBe('done')
    expect(server.survey.visited).toEqual(['reef', 'ness'])
    await eventually(() => stepsOf(page)).toEqual([
      'visit cove reused',
      'visit reef done',
      'visit ness done',
      'write report done',
    ])

    await page.locator('[data-step="visit cove"]').getByRole('link').click()
    await eventually(() => new URL(page.url()).pathname).toBe(`/work/${id}`)
    await eventually(() => page.getByTestId('to-newer').count()).toBe(1)
    expect(await page.getByTestId('retry-failed').count()).toBe(0)
    await page.getByTestId('line').getByRole('link', { name: 'Done' }).click()
    await page.getByTestId('fact-retry-of').getByRole('link').click()
    await eventually(() => new URL(page.url()).pathname).toBe(`/work/${id}`)
  })

  it('[PG65] tells what is wrong with another input at its field, and goes on to the new run', async () => {
    const { server } = world
    server.survey.break('shoal', noCredits())
    const id = await server.begin(['shoal'])
    await server.stands(id, 'failed')
    const visitor = await open(id)
    const { page } = visitor
    await page.getByTestId('retry').click()
    await page.getByRole('menuitem', { name: 'With another input' }).click()
    const editor = page.getByTestId('json-editor')
    expect(JSON.parse(await editor.inputValue())).toEqual({ places: [{ name: 'shoal' }] })
    await editor.fill('{\n  "places": [\n    { "name": }\n  ]\n}')
    await eventually(() => read(page.getByTestId('json-problems'))).toBe('Line 3: A value is expected, not "}"')
    expect(await page.getByTestId('retry-with-input').isDisabled()).toBe(true)
    await editor.fill('{\n  "places": [\n    { "name": "bay" },\n    { "name": 7 }\n  ]\n}')
    visitor.expectTrouble(answered(400))
    await page.getByTestId('retry-with-input').click()
    await eventually(() => read(page.getByTestId('json-problems'))).toMatch(
      /^Line 4, places\W*1\W*name: a name is expected$/,
    )
    await editor.fill('{ "places": [{ "name": "bay" }] }')
    await page.getByTestId('retry-with-input').click()
    await page.waitForURL((url) => url.pathname !== `/work/${id}`)
    await eventually(() => statusOf(page)).toBe('done')
    expect(server.survey.visited.at(-1)).toBe('bay')
    server.survey.mend('shoal')
  })

  it('[PG67][X6a] asks whether it may go on, also after a reload, and goes on when it is approved', async () => {
    const { server } = world
    const id = await server.begin(['strait'], { question: 'Print 300 copies?' })
    await server.stands(id, 'waiting')
    const { page } = await open(id)
    expect(await read(page.getByTestId('ask-approval'))).toContain('Print 300 copies?')
    await page.reload()
    await page.getByTestId('ask-approval').getByLabel('Comment').fill('on grey paper')
    await page.getByTestId('approve').click()
    await eventually(() => statusOf(page)).toBe('done')
    expect((await server.run(id)).result).toMatchObject({ approval: { approved: true, comment: 'on grey paper' } })
    await eventually(() => read(page.getByTestId('orders'))).toMatch(/Approved by operator/)
    expect(await page.getByTestId('ask-approval').count()).toBe(0)
  })

  it('[PG67] takes an answer to what it asks, as text or as JSON', async () => {
    const { server } = world
    const id = await server.begin(['sound'], { word: 'copies' })
    await server.stands(id, 'waiting')
    const { page } = await open(id)
    const ask = page.getByTestId('ask-answer')
    expect(await read(ask)).toContain('How many copies?')
    await ask.getByRole('radio', { name: 'JSON' }).click()
    await ask.getByLabel('Answer', { exact: true }).fill('{ "copies": 12')
    expect(await page.getByTestId('answer').isDisabled()).toBe(true)
    await ask.getByLabel('Answer', { exact: true }).fill('{ "copies": 12 }')
    await page.getByTestId('answer').click()
    await eventually(() => statusOf(page)).toBe('done')
    expect((await server.run(id)).result).toMatchObject({ answer: { copies: 12 } })
  })

  it('[PG67] asks what became of a step that may have had its effect, at the step and above all', async () => {
    const { server } = world
    server.survey.doubt('wreck')
    const id = await server.begin(['wreck', 'slip'])
    await server.stands(id, 'waiting')
    const { page } = await open(id)
    expect(await read(page.getByTestId('ask-decision'))).toContain('Was visit wreck done?')
    await eventually(() => stepsOf(page)).toEqual(['visit wreck unknown'])
    expect(await statusOf(page)).toBe('waiting')
    await page.locator('[data-step="visit wreck"]').getByTestId('decide-done').click()
    await eventually(() => statusOf(page)).toBe('done')
    expect(server.survey.visited.filter((place) => place === 'wreck')).toHaveLength(1)
    await eventually(() => stepsOf(page)).toEqual(['visit wreck done', 'visit slip done', 'write report done'])
    server.survey.mend('wreck')
  })

  it('[PG64][X6b] is paused, resumed, steered and cancelled, each shown at once and told when it is on disk', async () => {
    const { server } = world
    server.survey.hold('fjord', 'inlet')
    const id = await server.begin(['fjord', 'inlet'])
    await server.stands(id, 'working')
    const { page } = await open(id)
    await page.getByTestId('steer').click()
    await page.getByLabel('Message').fill('mind the seals')
    await page.getByTestId('send-message').click()
    await eventually(() => read(page.getByTestId('orders'))).toMatch(/Message by operator/)
    await page.getByTestId('pause').click()
    await eventually(() => read(page.getByTestId('run-status'))).toMatch(/^Pausing/)
    server.survey.letGo('fjord')
    await eventually(() => read(page.getByTestId('run-status'))).toMatch(/^Paused/)
    await page.getByTestId('resume').click()
    await eventually(() => statusOf(page)).toBe('working')
    expect(server.survey.heard).toContainEqual({ message: 'mind the seals' })
    await page.getByTestId('cancel').click()
    const dialog = page.getByRole('dialog')
    expect(await read(dialog)).toMatch(/what that step did so far is lost.*Steps that are done stay done/s)
    await page.getByTestId('confirm-cancel').click()
    await eventually(() => statusOf(page)).toBe('cancelled')
    expect((await server.run(id)).status).toBe('cancelled')
    await eventually(() => read(page.getByTestId('orders'))).toMatch(/Cancel by operator.*Resume by operator.*Pause/s)
    expect(await page.getByTestId('pause').count()).toBe(0)
    await page.getByTestId('retry').waitFor()
    server.survey.letGo('inlet')
  })

  it('[PG64][O13b] shows how a run stands now where it had changed before an order came to the server', async () => {
    const { server } = world
    const id = await server.begin(['firth'], { question: 'Go on?' })
    await server.stands(id, 'waiting')
    const visitor = await open(id)
    const { page } = visitor
    visitor.expectTrouble(answered(409))
    await page.route('**/reject', async (route) => {
      // Somebody else was faster.
      await server.request('POST', `/api/runs/${id}/approve`, {})
      await server.stands(id, 'done')
      await route.continue()
    })
    await page.getByTestId('reject').click()
    await eventually(() => page.getByTestId('notice').allInnerTexts()).toContainEqual(
      expect.stringMatching(/survey was not rejected\s+It had changed meanwhile. It is done./),
    )
    expect(await statusOf(page)).toBe('done')
    expect(await page.getByTestId('ask-approval').count()).toBe(0)
  })

  it('[PG63] opens the log of a failed run at its failure, links its lines and filters by level', async () => {
    const { server } = world
    const places = Array.from({ length: 120 }, (_, index) => `rock ${index}`)
    server.survey.break('rock 119', noCredits())
    const id = await server.begin(places)
    await server.stands(id, 'failed')
    const { page } = await open(id)
    const failure = page.getByTestId('failure-line')
    await failure.waitFor()
    expect(await read(failure)).toContain('Step "visit rock 119" failed')
    const isInView = (selector: string) =>
      page.evaluate(`(() => {
        const box = document.querySelector('[data-testid=log-lines]').getBoundingClientRect()
        const line = document.querySelector('${selector}').getBoundingClientRect()
        return line.top >= box.top - 1 && line.bottom <= box.bottom + 1
      })()`)
    expect(await isInView('[data-testid=failure-line]')).toBe(true)

    await page.getByTestId('log').getByRole('radio', { name: 'Errors only' }).click()
    await eventually(() => page.locator('[data-line]').count()).toBe(2)
    expect(await page.locator('[data-line]').evaluateAll((lines) => lines.map((line) => line.dataset.level))).toEqual([
      'error',
      'error',
    ])
    await page.getByTestId('log').getByRole('radio', { name: 'All lines' }).click()
    const line = page.getByTestId('line').filter({ hasText: 'Step "visit rock 60" is done' })
    // What is earlier is read when one comes to the top.
    await eventually(async () => {
      await page.evaluate("document.querySelector('[data-testid=log-lines]').scrollTop = 0")
      return line.count()
    }).toBe(1)
    await line.getByRole('link').click()
    const address = page.url()
    expect(address).toContain('line=')
    await page.goto('/work')
    await page.goto(address)
    const chosen = page.locator('[data-line][aria-current=true]')
    await chosen.waitFor()
    expect(await read(chosen)).toContain('Step "visit rock 60" is done')
    expect(await isInView('[data-line][aria-current=true]')).toBe(true)
    server.survey.mend('rock 119')
  })

  it('[PG63] follows the end of a living log until somebody scrolls up, and tells of new lines then', async () => {
    const { server } = world
    server.survey.hold('cape 80', 'cape 90', 'cape 99')
    const id = await server.begin(Array.from({ length: 100 }, (_, index) => `cape ${index}`))
    const { page } = await open(id)
    const box = page.getByTestId('log-lines')
    await page.getByText('Step "visit cape 79" is done').waitFor()
    const fromEnd = () => box.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight)
    expect(await read(page.getByTestId('log-state'))).toBe('Following')
    server.survey.letGo('cape 80')
    await page.getByText('Step "visit cape 89" is done').waitFor()
    await eventually(fromEnd).toBeLessThan(3)

    await box.hover()
    await page.mouse.wheel(0, -400)
    await eventually(fromEnd).toBeGreaterThan(100)
    const before = await box.evaluate((element) => element.scrollTop)
    server.survey.letGo('cape 90')
    await eventually(() => read(page.getByTestId('to-end'))).toMatch(/^\d+ new lines$/)
    expect(await box.evaluate((element) => element.scrollTop)).toBe(before)
    await page.getByTestId('to-end').click()
    await eventually(fromEnd).toBeLessThan(3)
    await eventually(() => read(page.getByTestId('log-state'))).toBe('Following')
    server.survey.letGo('cape 99')
    await eventually(() => statusOf(page)).toBe('done')
  })

  it('[PG62] draws only the steps in view of very many, and goes through them by keys', async () => {
    const { server } = world
    const id = await server.begin(Array.from({ length: 900 }, (_, index) => `wave ${index}`))
    await server.stands(id, 'done')
    const { page } = await open(id)
    await page.getByTestId('step').first().waitFor()
    expect(await page.getByTestId('step').count()).toBeLessThan(60)
    for (let press = 0; press < 30; press += 1) await page.keyboard.press('j')
    const focused = () => page.evaluate("document.activeElement.closest('[data-step]')?.dataset.step")
    await eventually(focused).toBe('visit wave 29')
    await page.keyboard.press('k')
    await eventually(focused).toBe('visit wave 28')
    await page.keyboard.press('Enter')
    await eventually(() => read(page.getByTestId('step-detail'))).toMatch(/visit wave 28.*Done.*Result.*seals/s)
    expect(page.url()).toContain('step=visit')
    // Its end comes into view again and again, and each time there is more.
    const toEnd = () =>
      page.evaluate(
        "(() => { const box = document.querySelector('[data-testid=waterfall] ol').parentElement; box.scrollTop = box.scrollHeight })()",
      )
    await eventually(async () => {
      await toEnd()
      return page.getByTestId('waterfall').getAttribute('data-rows')
    }).toBe('901')
    await toEnd()
    await page.locator('[data-step="write report"]').waitFor()
    expect(await page.getByTestId('step').count()).toBeLessThan(60)
  })

  it('[PG66] leads to the runs it started and back', async () => {
    const { server } = world
    server.survey.hold('holm')
    const id = await server.begin(['home'], { children: ['holm'] })
    await server.stands(id, 'waiting')
    const { page } = await open(id)
    const child = page.getByTestId('children').getByRole('link', { name: 'survey' })
    await child.click()
    await page.getByTestId('fact-parent').getByRole('link').waitFor()
    await eventually(() => statusOf(page)).toBe('working')
    await page.getByTestId('fact-parent').getByRole('link').click()
    await eventually(() => new URL(page.url()).pathname).toBe(`/work/${id}`)
    server.survey.letGo('holm')
    await eventually(() => statusOf(page)).toBe('done')
    await eventually(() => page.getByTestId('children').innerText()).toContain('Done')
    expect(await read(page.getByTestId('attempts'))).toMatch(/^Attempts \(2\).*2\. Done.*1\. Came to a wait/s)
  })

  it('[PG70] tells a run that is not there from one that cannot be read, and reads that again', async () => {
    const visitor = await world.visitor()
    const { page } = visitor
    visitor.expectTrouble(answered(404))
    visitor.expectTrouble(/ERR_FAILED/)
    visitor.expectTrouble(LEFT_EARLY)
    await page.goto('/work/01890000-0000-7000-8000-000000000000')
    expect(await read(page.getByTestId('failure'))).toMatch(/^There is no such run/)
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0)
    // Nothing of it is followed, so the page is as live as any other.
    await eventually(() => read(page.locator('header').first())).toContain('Live')
    const id = await world.server.begin(['quay'])
    await page.route(`**/api/runs/${id}`, (route) => route.abort())
    await page.goto(`/work/${id}`)
    await eventually(() => read(page.getByTestId('failure'))).toMatch(/^This run could not be read/)
    await page.unroute(`**/api/runs/${id}`)
    await page.getByRole('button', { name: 'Try again' }).click()
    await eventually(() => statusOf(page)).toBe('done')
  })

  it('[PG70] says of a run that may not be seen what would allow it', async () => {
    const id = await world.server.begin(['groyne'])
    const visitor = await world.visitor()
    visitor.expectTrouble(answered(403))
    visitor.expectTrouble(LEFT_EARLY)
    const problem = { code: 'FORBIDDEN', kind: 'auth', status: 403, title: 'You may not do this.', retry: false }
    await visitor.page.route(`**/api/runs/${id}`, (route) => route.fulfill({ status: 403, json: problem }))
    await visitor.page.goto(`/work/${id}`)
    await eventually(() => read(visitor.page.getByTestId('no-permission'))).toContain(`read:runs/${id}`)
    expect(await visitor.page.getByTestId('run-status').count()).toBe(0)
  })
})
