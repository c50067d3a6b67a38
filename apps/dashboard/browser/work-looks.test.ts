import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { beforeAll } from 'vitest'
import { findings, tooSmallOrWide } from './test-support/looks.ts'
import { noCredits } from './test-support/survey.ts'
import { answered, LEFT_EARLY, WAIT } from './test-support/visitor.ts'
import { WorkServer } from './test-support/work-server.ts'
import { describeWithServer, expect, it } from './test-support/world.ts'

const LONG = 'the outermost skerry of the northern archipelago and its lighthouse keeper'

/** Ids of runs by how they stand. */
const runs: Record<string, string> = {}

async function fill(server: WorkServer): Promise<void> {
  const { survey } = server
  survey.hold('old jetty', 'deep')
  survey.break(LONG, noCredits())
  survey.doubt('wreck')
  runs.working = await server.begin(['pier', LONG.slice(0, 40), 'old jetty'])
  runs.failed = await server.begin(['pier', LONG])
  runs.approval = await server.begin(['pier'], { question: `Print 300 copies of the survey of ${LONG}?` })
  runs.answer = await server.begin(['pier'], { word: 'copies' })
  runs.unknown = await server.begin(['pier', 'wreck'])
  await server.stands(runs.failed, 'failed')
  await server.request('POST', '/api/queue/soundings', { concurrency: 1 })
  for (const place of ['deep', 'shallow', 'reef']) await server.begin([place], {}, { queue: 'soundings' })
  await server.stands(runs.unknown, 'waiting')
  await server.stands(runs.answer, 'waiting')
  survey.mend(LONG)
  const { run } = await server.request<{ run: { id: string } }>('POST', `/api/runs/${runs.failed}/retry`, {})
  runs.retried = run.id
  survey.break(LONG, noCredits())
  runs.again = await server.begin(['pier', LONG])
  await server.stands(runs.retried, 'done')
  await server.stands(runs.again, 'failed')
}

const goTo = async (page: Page, address: string, testId: string) => {
  await page.goto(address)
  await page.getByTestId(testId).first().waitFor()
}

/** Every state of a run's page and of the board of queues, and what opens on them. */
const PLACES: Record<string, (page: Page) => Promise<unknown>> = {
  working: (page) => goTo(page, `/work/${runs.working}`, 'line'),
  'a cancel': (page) => page.getByTestId('cancel').click(),
  'a message': async (page) => {
    await page.keyboard.press('Escape')
    await page.getByTestId('steer').click()
    await page.getByTestId('send-message').waitFor()
  },
  'for approval': (page) => goTo(page, `/work/${runs.approval}`, 'ask-approval'),
  'for an answer': (page) => goTo(page, `/work/${runs.answer}`, 'ask-answer'),
  'for a decision': (page) => goTo(page, `/work/${runs.unknown}`, 'ask-decision'),
  retried: (page) => goTo(page, `/work/${runs.retried}?data=open`, 'line'),
  failed: (page) => goTo(page, `/work/${runs.again}`, 'failure-line'),
  'the ways to retry': (page) => page.getByTestId('retry').click(),
  'another input': async (page) => {
    await page.getByRole('menuitem', { name: 'With another input' }).click()
    await page.getByTestId('json-editor').fill('{ "places": }')
    await page.getByTestId('json-problems').getByRole('button').waitFor()
  },
  'a step': (page) => goTo(page, `/work/${runs.again}?step=${encodeURIComponent(`visit ${LONG}`)}`, 'step-detail'),
  'no run': (page) => goTo(page, '/work/01890000-0000-7000-8000-000000000000', 'failure'),
  queues: (page) => goTo(page, '/work/queues', 'queues'),
  entries: (page) => goTo(page, '/work/queues?queue=soundings', 'entry'),
  'a move': (page) => page.getByTestId('move').first().click(),
}

describeWithServer('how a run and the queues look', WorkServer.start, (world) => {
  beforeAll(() => fill(world.server), WAIT.timeout)

  it('[PG8] have no serious or critical accessibility finding in any state, in both themes', async () => {
    const visitor = await world.visitor({ still: true })
    const { page } = visitor
    visitor.expectTrouble(answered(404))
    visitor.expectTrouble(LEFT_EARLY)
    const found: string[] = []
    for (const [place, show] of Object.entries(PLACES)) {
      await show(page)
      await page.evaluate(axe.source)
      await page.emulateMedia({ colorScheme: 'light' })
      found.push(...(await findings(page, place)))
      // Only colours are another matter in the other theme.
      await page.emulateMedia({ colorScheme: 'dark' })
      found.push(...(await findings(page, `${place}, dark`, ['color-contrast'])))
    }
    expect(found).toEqual([])
  })

  it('[PG7] stay within a phone of 380 px, and nothing that is pressed is too small for a thumb', async () => {
    const visitor = await world.visitor({ width: 380, touch: true, still: true })
    visitor.expectTrouble(answered(404))
    visitor.expectTrouble(LEFT_EARLY)
    const found: string[] = []
    for (const [place, show] of Object.entries(PLACES)) {
      await show(visitor.page)
      found.push(...(await tooSmallOrWide(visitor, place)))
    }
    expect(found).toEqual([])
  })

  it('[PG6] can be commanded with the keyboard alone', async () => {
    const visitor = await world.visitor({ still: true })
    visitor.expectTrouble(LEFT_EARLY)
    const { page } = visitor
    await goTo(page, `/work/${runs.working}`, 'line')
    await page.keyboard.press('p')
    await page.getByText('Pausing').first().waitFor()
    await goTo(page, `/work/${runs.again}`, 'failure-line')
    await page.keyboard.press('r')
    await page.getByRole('menu').waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname !== `/work/${runs.again}`)
  })
})
