import type { Visitor } from '../../apps/dashboard/browser/test-support/visitor.ts'
import type { Scene } from './scene.ts'

type Page = Visitor['page']

/** States of the shell, whatever stands in it. Those with a `visitor` leave nothing behind in the browser of the others. */
export const SHELL_SCENES: readonly Scene[] = [
  {
    name: 'settings',
    async show({ page }) {
      await page.goto('/settings')
      await page.getByText('Well').first().waitFor()
    },
  },
  {
    name: 'sign-out-everywhere',
    async show({ page }) {
      await page.goto('/settings')
      await page.getByTestId('sign-out-everywhere').click()
      await page.getByTestId('confirm-sign-out-everywhere').waitFor()
    },
  },
  {
    name: 'signed-out-meanwhile',
    visitor: {},
    async show({ page }, { places }) {
      await page.getByTestId('project-row').first().waitFor()
      await page.evaluate("fetch('/logout', { method: 'POST' })")
      await page.evaluate(`history.pushState(null, '', '/projects/${places.done}')`)
      await page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
      await page.getByText('You were signed out').waitFor()
    },
  },
  {
    name: 'outdated',
    visitor: {},
    async show({ page }) {
      await page.clock.install()
      await page.goto('/')
      await page.getByTestId('project-row').first().waitFor()
      const body = '<script type="module" crossorigin src="/assets/index-of-another-build.js"></script>'
      await page.route(
        ({ pathname }) => pathname === '/',
        (route) => route.fulfill({ body, contentType: 'text/html' }),
      )
      await page.clock.fastForward(16 * 60_000)
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
      await page.getByText('A newer version of this page is there.').waitFor()
    },
  },
  {
    name: 'compact',
    visitor: {},
    async show({ page }, { places }) {
      await page.evaluate("localStorage.setItem('holdfast.density', 'compact')")
      await page.goto(`/projects/${places.done}`)
      await page.getByTestId('file-row').first().waitFor()
    },
  },
  {
    name: 'palette-found',
    async show({ page }) {
      await page.getByTestId('project-row').first().waitFor()
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('the')
      await page.getByRole('option').first().waitFor()
    },
  },
  {
    name: 'palette-none',
    async show({ page }) {
      await page.getByTestId('project-row').first().waitFor()
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('zeppelin')
      await page.getByText('Nothing is called').first().waitFor()
    },
  },
  {
    name: 'toasts',
    async show({ page }) {
      await page.goto('/_design#toasts')
      const specimen = page.locator('#toasts')
      await specimen.getByRole('button', { name: 'Error' }).first().click()
      await specimen.getByRole('button', { name: 'Remove, with undo' }).first().click()
      await page.getByTestId('notice').getByRole('button', { name: 'Undo' }).waitFor()
    },
  },
  {
    name: 'selection',
    async show({ page }) {
      await page.goto('/_design#table')
      const table = page.getByRole('table', { name: 'Files' }).first()
      await table.evaluate((element) => element.scrollIntoView({ block: 'center' }))
      await table.locator('[data-row]').getByRole('checkbox').first().click()
      await page.getByTestId('selection-bar').waitFor()
    },
  },
  ...['colour', 'connection', 'buttons', 'table', 'failed'].map(
    (part): Scene => ({
      name: `design-${part}`,
      async show({ page }) {
        await page.goto(`/_design#${part}`)
        await page.locator(`#${part}`).evaluate((element) => element.scrollIntoView())
      },
    }),
  ),
  {
    name: 'connection-live',
    visitor: {},
    show: ({ page }) => openMark(page, 'connected'),
  },
  {
    name: 'connection-degraded',
    visitor: {},
    async show({ page }) {
      await page.addInitScript({ content: 'delete window.WebSocket' })
      await page.goto('/')
      await openMark(page, 'degraded')
    },
  },
  {
    name: 'connection-lost',
    visitor: {},
    arrive: ({ page }) => isConnected(page),
    async show({ page }, { server }) {
      await server.kill9()
      await openMark(page, 'reconnecting')
    },
    after: (server) => server.start(),
  },
  {
    name: 'connection-offline',
    visitor: {},
    arrive: ({ page }) => isConnected(page),
    async show({ page }, { server }) {
      await page.context().setOffline(true)
      await server.kill9()
      await openMark(page, 'reconnecting')
    },
    after: (server) => server.start(),
  },
  {
    name: 'connection-given-up',
    visitor: {},
    async arrive({ page }) {
      await page.clock.install()
      await page.goto('/')
      await isConnected(page)
    },
    async show({ page }, { server }) {
      await server.kill9()
      const isGivenUp = async () => (await stateOf(page)) === 'error'
      // Ten tries with longer and longer waits.
      for (let wait = 0; wait < 60 && !(await isGivenUp()); wait += 1) await page.clock.runFor(10_000)
      await page.getByTestId('reconnect').waitFor()
    },
    after: (server) => server.start(),
  },
]

function stateOf(page: Page): Promise<string | null> {
  return page.getByTestId('connection').getAttribute('data-state')
}

async function isConnected(page: Page): Promise<void> {
  await page.locator('[data-testid=connection][data-state=connected]').waitFor()
}

async function openMark(page: Page, state: string): Promise<void> {
  await page.locator(`[data-testid=connection][data-state=${state}]`).waitFor({ timeout: 60_000 })
  await page.getByTestId('connection').getByRole('button').first().click()
  await page.getByTestId('connection-details').waitFor()
}
