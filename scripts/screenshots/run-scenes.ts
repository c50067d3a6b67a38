import { noCredits } from '../../apps/dashboard/browser/test-support/survey.ts'
import type { Visitor } from '../../apps/dashboard/browser/test-support/visitor.ts'
import type { WorkServer } from '../../apps/dashboard/browser/test-support/work-server.ts'

type Page = Visitor['page']

const PLACES = ['harbour office', 'long pier', 'skerry', 'lighthouse', 'north mole', 'slip', 'old jetty', 'fish market']

/** One state of a run's page or of the queues, on the server with surveys. */
export interface RunScene {
  name: string
  /** The whole length of the page instead of the first screen. */
  whole?: boolean
  /** Brings the server into the state; answers what `show` is given. */
  make(work: WorkServer): Promise<string>
  show(page: Page, made: string): Promise<unknown>
}

type Make = RunScene['make']
type Show = RunScene['show']

const scene = (name: string, make: Make, show: Show, whole = false): RunScene => ({ name, make, show, whole })

async function goTo(page: Page, address: string, testId: string): Promise<void> {
  await page.goto(address)
  await page.getByTestId(testId).first().waitFor()
}

const run =
  (testId: string, search = ''): Show =>
  (page, id) =>
    goTo(page, `/work/${id}${search}`, testId)

async function makeFailed(work: WorkServer): Promise<string> {
  work.survey.letGo('old jetty')
  work.survey.break('lighthouse', noCredits())
  const id = await work.begin(PLACES)
  await work.stands(id, 'failed')
  work.survey.mend('lighthouse')
  return id
}

async function makeWorking(work: WorkServer): Promise<string> {
  work.survey.hold('old jetty')
  const id = await work.begin(PLACES)
  await work.stands(id, 'working')
  return id
}

async function makeRetried(work: WorkServer): Promise<string> {
  const failed = await makeFailed(work)
  const { run: made } = await work.request<{ run: { id: string } }>('POST', `/api/runs/${failed}/retry`, {})
  await work.stands(made.id, 'done')
  return made.id
}

/** Queues with runs that work, wait and failed, one of them with a line. */
async function makeQueues(work: WorkServer): Promise<string> {
  await work.request('POST', '/api/queue/soundings', { concurrency: 2 })
  await work.request('POST', '/api/queue/night%20tours', { paused: true })
  await work.request('POST', '/api/queue/providers/ferry', { concurrency: 1 })
  work.survey.hold('deep', 'shallow', 'island north')
  for (const place of ['deep', 'shallow']) await work.begin([place], {}, { queue: 'soundings' })
  for (let one = 0; one < 9; one += 1) {
    await work.begin([`point ${one}`], {}, { queue: 'soundings', priority: one === 5 ? 300 : 0 })
  }
  await work.begin(['point 9'], {}, { queue: 'soundings', delaySeconds: 7200 })
  for (let one = 0; one < 3; one += 1) await work.begin([`tour ${one}`], {}, { queue: 'night tours' })
  for (const place of ['island north', 'island south']) await work.begin([place], {}, { queue: 'crossings' })
  return ''
}

/** A run in every state a person meets it in, and the board of queues. */
export const RUN_SCENES: readonly RunScene[] = [
  scene('run-working', makeWorking, run('waterfall')),
  scene('run-failed', makeFailed, run('failure-line')),
  scene('run-failed-whole', makeFailed, run('failure-line', '?data=open'), true),
  scene('run-step', makeFailed, run('step-detail', '?step=visit+lighthouse')),
  scene(
    'run-approval',
    async (work) => {
      work.survey.letGo('old jetty')
      const id = await work.begin(PLACES, { question: 'Print 300 copies of the survey, on grey paper?' })
      await work.stands(id, 'waiting')
      return id
    },
    run('ask-approval'),
  ),
  scene(
    'run-unknown',
    async (work) => {
      work.survey.doubt('north mole')
      const id = await work.begin(PLACES)
      await work.stands(id, 'waiting')
      work.survey.mend('north mole')
      return id
    },
    run('ask-decision'),
  ),
  scene('run-retried', makeRetried, run('line')),
  scene('run-cancel', makeWorking, async (page, id) => {
    await goTo(page, `/work/${id}`, 'cancel')
    await page.getByTestId('cancel').click()
    await page.getByTestId('confirm-cancel').waitFor()
  }),
  scene('run-other-input', makeFailed, async (page, id) => {
    await goTo(page, `/work/${id}`, 'retry')
    await page.getByTestId('retry').click()
    await page.getByRole('menuitem', { name: 'With another input' }).click()
    await page
      .getByTestId('json-editor')
      .fill('{\n  "places": [\n    { "name": "lighthouse" },\n    { "name": }\n  ]\n}')
    await page.getByTestId('json-problems').getByRole('button').waitFor()
  }),
  scene(
    'run-many-steps',
    async (work) => {
      const id = await work.begin(Array.from({ length: 400 }, (_, index) => `wave ${index}`))
      await work.stands(id, 'done')
      return id
    },
    run('waterfall'),
  ),
  scene('run-not-there', async () => '01890000-0000-7000-8000-000000000000', run('failure')),
  scene('queues', makeQueues, (page) => goTo(page, '/work/queues', 'queues')),
  scene(
    'queue-entries',
    async () => '',
    (page) => goTo(page, '/work/queues?queue=soundings', 'entry'),
  ),
]
