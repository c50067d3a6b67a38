import type { RunSummary } from '@holdfast/protocol/runs'
import type { ServerProcess } from '../../apps/dashboard/browser/test-support/server.ts'
import type { Visitor } from '../../apps/dashboard/browser/test-support/visitor.ts'
import { fillWork } from './fill-work.ts'
import type { Scene } from './scene.ts'

type Page = Visitor['page']

const before = async (server: ServerProcess) => {
  await fillWork(server)
  return ''
}

async function goTo(page: Page, path: string, testId: string): Promise<void> {
  await page.goto(path)
  await page.getByTestId(testId).first().waitFor()
}

/** Runs that only a server's own kinds come to: they wait for an approval, or took their server down. */
function waitingToo(like: RunSummary): RunSummary[] {
  const until = new Date(Date.parse(like.createdAt) + 3_600_000).toISOString()
  const question = 'Spend 120 credits to find the people of 40 companies?'
  const error = { code: 'CRASHED', message: 'The server ended while it worked, five times in a row.' }
  return [
    { ...like, id: 'approval', name: 'enrich-company', waits: [{ kind: 'event', name: 'approval', question, until }] },
    { ...like, id: 'parked', name: 'summarise', waits: [{ kind: 'parked', error }] },
  ]
}

/** The pages about work, in the states that stand still. */
export const WORK_SCENES: readonly Scene[] = [
  {
    name: 'work-first',
    async show({ page }) {
      await page.route('**/api/runs?*', (route) => route.fulfill({ json: { items: [], nextCursor: null } }))
      await goTo(page, '/work', 'first-run')
    },
  },
  { name: 'work', before, show: ({ page }) => goTo(page, '/work', 'run-row') },
  { name: 'work-whole', whole: true, before, show: ({ page }) => goTo(page, '/work', 'run-row') },
  { name: 'work-working', before, show: ({ page }) => goTo(page, '/work?status=working', 'run-row') },
  { name: 'work-failed', before, show: ({ page }) => goTo(page, '/work?status=failed&retried=false', 'run-row') },
  { name: 'work-none', before, show: ({ page }) => goTo(page, '/work?q=zeppelin&status=done', 'no-match') },
  {
    name: 'work-unreachable',
    async show({ page }) {
      await page.route('**/api/runs?*', (route) => route.abort())
      await goTo(page, '/work', 'failure')
    },
  },
  {
    name: 'work-many',
    before,
    async show({ page }) {
      await goTo(page, '/work', 'run-row')
      await page.getByTestId('run-row').first().getByRole('checkbox').click()
      await page.getByRole('button', { name: /^Select all \d+ that match/ }).click()
      await page.getByTestId('bulk-cancel').click()
      await page.getByTestId('confirm-bulk').waitFor()
    },
  },
  {
    name: 'work-conflict',
    before,
    async show({ page }) {
      await goTo(page, '/work?status=queued', 'run-row')
      const problem = { title: 'It has changed.', status: 409, code: 'CONFLICT', kind: 'conflict', retry: false }
      await page.route('**/pause', (route) => route.fulfill({ status: 409, json: problem }))
      await page.getByTestId('run-row').first().focus()
      await page.keyboard.press('p')
      await page.getByTestId('notice').waitFor()
    },
  },
  { name: 'work-failures', before, show: ({ page }) => goTo(page, '/work/failures', 'failure-group') },
  {
    name: 'work-decisions',
    before,
    async show({ page }) {
      await page.route('**/api/runs?*wait=person*', async (route) => {
        const answer = await route.fetch()
        const list = (await answer.json()) as { items: RunSummary[] }
        const [first] = list.items
        await route.fulfill({ json: { ...list, items: [...list.items, ...(first ? waitingToo(first) : [])] } })
      })
      await goTo(page, '/work/decisions', 'ask-parked')
    },
  },
  { name: 'work-schedules', before, show: ({ page }) => goTo(page, '/work/schedules', 'schedule') },
  {
    name: 'work-new-schedule',
    before,
    async show({ page }) {
      await goTo(page, '/work/schedules', 'new-schedule')
      await page.getByTestId('new-schedule').click()
      await page.getByTestId('next-times').waitFor()
    },
  },
]
