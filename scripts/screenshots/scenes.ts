import type { ServerProcess } from '../../apps/dashboard/browser/test-support/server.ts'
import type { Visitor } from '../../apps/dashboard/browser/test-support/visitor.ts'
import { ended, ingest, makeProject } from './fill-server.ts'
import type { Scene } from './scene.ts'
import { SHELL_SCENES } from './shell-scenes.ts'
import { WORK_SCENES } from './work-scenes.ts'

const SOURCES = ['This device', 'Server folder', 'URL', 'Sitemap', 'GitHub'] as const

export const SCENES: readonly Scene[] = [
  {
    name: 'sign-in',
    visitor: { signedIn: false },
    async show({ page }) {
      await page.goto('/')
      await page.getByTestId('sign-in').waitFor()
    },
  },
  {
    name: 'sign-in-refused',
    visitor: { signedIn: false },
    async show({ page }) {
      await page.goto('/login?token=another')
      await page.getByTestId('sign-in').waitFor()
    },
  },
  { name: 'projects', show: ({ page }) => page.getByTestId('project-row').first().waitFor() },
  {
    name: 'projects-first',
    async show({ page }) {
      await page.route('**/api/projects?*', (route) =>
        route.fulfill({ json: { items: [], next: null, total: 0, groups: [] } }),
      )
      await page.reload()
      await page.getByTestId('drop-zone').waitFor()
    },
  },
  {
    name: 'projects-unreachable',
    async show({ page }) {
      await page.route('**/api/projects?*', (route) => route.abort())
      await page.reload()
      await page.getByTestId('failure').waitFor()
    },
  },
  {
    name: 'new-project',
    async show({ page }) {
      await page.getByTestId('new-project').click()
      await page.getByRole('dialog').waitFor()
    },
  },
  { name: 'project-first', show: ({ page }, { places }) => goTo(page, places.empty, 'drop-zone') },
  ...SOURCES.map(
    (word): Scene => ({
      name: `add-${word.toLowerCase().replace(' ', '-')}`,
      async show({ page }, { places }) {
        await goTo(page, places.done, 'end-done')
        await page.getByTestId('add-documents').click()
        await page.getByRole('radio', { name: word }).click()
      },
    }),
  ),
  { name: 'project-done', show: ({ page }, { places }) => goTo(page, places.done, 'file-row') },
  { name: 'project-done-whole', whole: true, show: ({ page }, { places }) => goTo(page, places.done, 'file-row') },
  { name: 'files-failed', show: ({ page }, { places }) => goTo(page, places.done, 'cause', '?status=failed') },
  {
    name: 'files-none',
    show: ({ page }, { places }) => goTo(page, places.done, 'files-total', '?path=nothing-like-it'),
  },
  { name: 'search-first', show: ({ page }, { places }) => goTo(page, places.done, 'search', '?tab=search') },
  {
    name: 'search-hits',
    show: ({ page }, { places }) => goTo(page, places.done, 'search-hit', '?tab=search&q=colony'),
  },
  {
    name: 'search-none',
    async show({ page }, { places }) {
      await goTo(page, places.done, 'search', '?tab=search&q=zeppelin')
      await page.getByText('Nothing says').waitFor()
    },
  },
  { name: 'history', show: ({ page }, { places }) => goTo(page, places.done, 'history-row', '?tab=history') },
  { name: 'project-failed', show: ({ page }, { places }) => goTo(page, places.failed, 'end-failed') },
  { name: 'project-cancelled', show: ({ page }, { places }) => goTo(page, places.cancelled, 'end-cancelled') },
  {
    name: 'retry-menu',
    async show({ page }, { places }) {
      await goTo(page, places.cancelled, 'end-cancelled')
      await page.getByTestId('retry').click()
      await page.getByRole('menu').waitFor()
    },
  },
  ...(['discover', 'extract'] as const).map(
    (phase): Scene => ({
      name: `working-${phase}`,
      before: (server) => startLong(server),
      async show(visitor, { state }) {
        await goTo(visitor.page, state, 'phases')
        await visitor.reaches(phase, phase === 'discover' ? 1 : 25)
        if (phase === 'extract') await visitor.page.getByTestId('file-row').first().waitFor()
      },
      after: cancelAll,
    }),
  ),
  {
    name: 'queued-behind',
    async before(server) {
      const project = await startLong(server)
      await ingest(server, project, { path: `${server.root}/keeping-bees` })
      return project
    },
    async show({ page }, { state, server }) {
      const { items } = await server.request<{ items: { ingestionId: string }[] }>(
        'GET',
        `/api/projects/${state}/ingestions`,
      )
      await goTo(page, state, 'queued-behind', `?ingestion=${items[0]?.ingestionId}`)
    },
    after: cancelAll,
  },
  {
    name: 'projects-working',
    before: (server) => startLong(server),
    async show({ page }) {
      await page.goto('/')
      await page.getByRole('progressbar').first().waitFor()
    },
    after: cancelAll,
  },
  {
    name: 'cancel',
    before: (server) => startLong(server),
    async show(visitor, { state }) {
      await goTo(visitor.page, state, 'cancel')
      await visitor.reaches('discover', 100)
      await visitor.page.getByTestId('cancel').click()
      await visitor.page.getByTestId('confirm-cancel').waitFor()
    },
    after: cancelAll,
  },
  {
    name: 'palette',
    async show({ page }) {
      await page.getByTestId('project-row').first().waitFor()
      await page.keyboard.press('Control+k')
      await page.getByRole('option').first().waitFor()
    },
  },
  {
    name: 'keyboard',
    async show({ page }) {
      await page.getByTestId('project-row').first().waitFor()
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
    },
  },
  {
    name: 'notice',
    async show({ page }, { places }) {
      await goTo(page, places.cancelled, 'end-cancelled')
      await page.route('**/retry', (route) => route.abort())
      await page.getByTestId('retry').click()
      await page.getByRole('menuitem').first().click()
      await page.getByTestId('notice').waitFor()
    },
  },
  {
    name: 'drop',
    async show(visitor, { places, server }) {
      await goTo(visitor.page, places.empty, 'drop-zone')
      await visitor.dragOver(server.root)
    },
  },
  {
    name: 'uploading',
    async show({ page }, { places, server }) {
      await goTo(page, places.empty, 'drop-zone')
      // Nobody answers, so it stays as it is.
      await page.route('**/ingestions', () => {})
      await page.getByTestId('folder-input').setInputFiles(`${server.root}/keeping-bees`)
      await page.getByText('The files are on their way').waitFor()
    },
  },
  { name: 'project-not-there', show: ({ page }) => goTo(page, 'no-such-project', 'failure') },
  {
    name: 'not-found',
    async show({ page }) {
      await page.goto('/projects/a/b/c')
      await page.getByText('nothing at this address').waitFor()
    },
  },
  ...SHELL_SCENES,
  ...WORK_SCENES,
  {
    name: 'design',
    whole: true,
    async show({ page }) {
      await page.goto('/_design')
      await page.getByRole('heading', { name: 'Design' }).waitFor()
    },
  },
  {
    name: 'reconnecting',
    before: (server) => startLong(server),
    async arrive(visitor, { state }) {
      await goTo(visitor.page, state, 'phases')
      await visitor.reaches('extract', 5)
    },
    async show(visitor, { server }) {
      await server.kill9()
      await visitor.page.getByTestId('stale').waitFor()
    },
    async after(server) {
      await server.start()
      await cancelAll(server)
    },
  },
]

async function goTo(page: Visitor['page'], project: string, testId: string, search = ''): Promise<void> {
  await page.goto(`/projects/${project}${search}`)
  await page.getByTestId(testId).first().waitFor()
}

let started = 0
async function startLong(server: ServerProcess): Promise<string> {
  started += 1
  const project = await makeProject(server, `Harbour archive ${started}`)
  await ingest(server, project, { path: `${server.root}/long` })
  return project
}

async function cancelAll(server: ServerProcess): Promise<void> {
  const { items } = await server.request<{ items: { id: string }[] }>('GET', '/api/projects')
  for (const { id } of items) {
    const list = await server.request<{ items: { ingestionId: string; status: string }[] }>(
      'GET',
      `/api/projects/${id}/ingestions`,
    )
    for (const { ingestionId, status } of list.items) {
      if (status !== 'queued' && status !== 'working') continue
      await server.request('POST', `/api/projects/${id}/ingestions/${ingestionId}/cancel`, {})
      await ended(server, id)
    }
  }
}
