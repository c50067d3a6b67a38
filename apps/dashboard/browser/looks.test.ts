import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '@holdfast/testing'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { beforeAll } from 'vitest'
import { findings, tooSmallOrWide } from './test-support/looks.ts'
import { answered, WAIT } from './test-support/visitor.ts'
import { type BrowserWorld, describeInBrowser, eventually, expect, it } from './test-support/world.ts'

let project = ''

/** Every page, and what opens on it. */
const PLACES: Record<string, (page: Page) => Promise<unknown>> = {
  projects: async (page) => {
    await page.goto('/')
    await page.getByTestId('project-row').first().waitFor()
  },
  'a new project': async (page) => {
    await page.getByTestId('new-project').click()
    await page.getByRole('dialog').waitFor()
  },
  'the palette': async (page) => {
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('Control+k')
    await page.getByRole('option').first().waitFor()
  },
  'the keyboard': async (page) => {
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
  },
  'the connection': async (page) => {
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByTestId('connection').getByRole('button').click()
    await page.getByTestId('connection-details').waitFor()
  },
  settings: async (page) => {
    await page.goto('/settings')
    await page.getByText('Well').first().waitFor()
  },
  'signing out everywhere': (page) => page.getByTestId('sign-out-everywhere').click(),
  files: async (page) => {
    await page.goto(`/projects/${project}`)
    await page.getByTestId('retry-file').waitFor()
  },
  'the retry menu': (page) => page.getByTestId('retry').click(),
  search: async (page) => {
    await page.goto(`/projects/${project}?tab=search&q=harbour`)
    await page.getByTestId('search-hit').first().waitFor()
  },
  history: async (page) => {
    await page.goto(`/projects/${project}?tab=history`)
    await page.getByTestId('history-row').first().waitFor()
  },
  'more documents': (page) => page.getByTestId('add-documents').click(),
  'documents by path': (page) => page.getByRole('radio', { name: 'Server folder' }).click(),
  'documents of GitHub': (page) => page.getByRole('radio', { name: 'GitHub' }).click(),
  'a project that is not there': async (page) => {
    await page.goto('/projects/nobody-made-it')
    await page.getByTestId('failure').waitFor()
  },
  work: async (page) => {
    await page.goto('/work')
    await page.getByTestId('run-row').nth(2).waitFor()
  },
  'what to do with a run': async (page) => {
    await page
      .getByRole('button', { name: /^What to do with/ })
      .first()
      .click()
    await page.getByRole('menu').waitFor()
  },
  'runs that are selected': async (page) => {
    await page.keyboard.press('Escape')
    await page.getByTestId('run-row').first().getByRole('checkbox').click()
    await page.getByTestId('selection-bar').waitFor()
  },
  'many runs': async (page) => {
    await page.getByTestId('bulk-priority').click()
    await page.getByTestId('confirm-bulk').waitFor()
  },
  failures: async (page) => {
    await page.goto('/work/failures')
    await page.getByTestId('failure-group').waitFor()
  },
  decisions: async (page) => {
    await page.goto('/work/decisions')
    await page.getByTestId('ask-decision').waitFor()
    await page.getByText('how it ended is not known').waitFor()
  },
  'a schedule': async (page) => {
    await page.goto('/work/schedules')
    await page.getByTestId('new-schedule').click()
    await page.getByTestId('next-times').waitFor()
  },
  design: async (page) => {
    await page.goto('/_design')
    await page.getByRole('heading', { name: 'Design' }).waitFor()
  },
  toasts: async (page) => {
    const specimen = page.locator('#toasts')
    await specimen.getByRole('button', { name: 'Error' }).first().click()
    await specimen.getByRole('button', { name: 'Remove, with undo' }).first().click()
    await page.getByTestId('notice').getByRole('button', { name: 'Undo' }).waitFor()
  },
  'a selection': async (page) => {
    const table = page.getByRole('table', { name: 'Files' }).first()
    await table.evaluate((element) => element.scrollIntoView({ block: 'center' }))
    await table.locator('[data-row]').getByRole('checkbox').first().click()
    await page.getByTestId('selection-bar').waitFor()
  },
}

async function fill({ server }: BrowserWorld): Promise<void> {
  const folder = join(server.root, 'a-folder-with-a-rather-long-name-as-people-give-them-to-folders')
  await mkdir(folder)
  await writeFile(join(folder, 'notes-on-the-harbour-and-the-people-who-work-there.md'), '# Harbour\n\nThe harbour.\n')
  await writeFile(join(folder, 'code.ts'), `export const harbour = ${JSON.stringify('harbour '.repeat(40))}\n`)
  await writeFile(join(folder, 'broken.pdf'), '%PDF-1.7\nand then nothing that a PDF has')
  const name = 'The archive of the harbour office, and all that was found in its cellar'
  const made = await server.request<{ id: string }>('POST', '/api/projects', { name })
  project = made.id
  await server.request('POST', `/api/projects/${project}/ingestions`, { path: folder })
  const progress = () => server.request<{ status: string }>('GET', `/api/projects/${project}/progress`)
  await until(async () => (await progress()).status === 'done', { seconds: 60 })
  await fillWork(server)
}

/** A run that failed, one that waits for a decision, and one that nobody takes. */
async function fillWork(server: BrowserWorld['server']): Promise<void> {
  const begin = (name: string, worker?: string) =>
    server.request<{ id: string; attempt: number }>('POST', '/api/runs', {
      name,
      version: 1,
      ...(worker && { worker }),
    })
  const failed = await begin('a-kind-of-run-with-a-rather-long-name-as-people-give-them', 'worker-1')
  const error = { code: 'LIMITED', message: 'Could not reach Apollo (429, too many requests).' }
  const { attempt } = failed
  await server.request('POST', `/api/runs/${failed.id}/finish`, { attempt, status: 'failed', error })
  const doubtful = await begin('send-invitations', 'worker-1')
  const step = { attempt: doubtful.attempt, key: 'mail to a-rather-long-address-of-somebody@harbour.example' }
  const told = (body: object) => server.request('POST', `/api/runs/${doubtful.id}/steps`, { ...step, ...body })
  await told({ status: 'started', effect: 'unsafe' })
  await told({ status: 'failed', error })
  await begin('resize')
}

describeInBrowser('how it looks', (world) => {
  beforeAll(() => fill(world), WAIT.timeout)

  it('[PG8] has no serious or critical accessibility finding on any page, in both themes', async () => {
    const visitor = await world.visitor({ still: true })
    const { page } = visitor
    // Of the project that is not there.
    visitor.expectTrouble(answered(404))
    const found: string[] = []
    for (const [place, show] of Object.entries(PLACES)) {
      await show(page)
      await page.evaluate(axe.source)
      found.push(...(await findings(page, place)))
      await page.emulateMedia({ colorScheme: 'dark' })
      found.push(...(await findings(page, `${place}, dark`, ['color-contrast'])))
      await page.emulateMedia({ colorScheme: 'light' })
    }
    expect(found).toEqual([])
  })

  it('[PG7] at 380 px nothing leaves the screen and whatever is pressed is at least 40 px high', async () => {
    const visitor = await world.visitor({ width: 380, touch: true, still: true })
    // Of the project that is not there.
    visitor.expectTrouble(answered(404))
    const found: string[] = []
    for (const [place, show] of Object.entries(PLACES)) {
      await show(visitor.page)
      found.push(...(await tooSmallOrWide(visitor, place)))
    }
    expect(found).toEqual([])
  })

  it('[PG9] keeps the console empty and asks nothing of another origin, under a policy that allows only ours', async () => {
    const visitor = await world.visitor()
    const answer = await visitor.page.goto(`/projects/${project}`)
    await visitor.page.getByTestId('file-row').first().waitFor()
    await visitor.page.getByRole('tab', { name: 'History' }).click()
    await visitor.page.getByTestId('history-row').waitFor()
    const policy = answer?.headers()['content-security-policy'] ?? ''
    expect(policy).toMatch(/default-src 'self'/)
    expect(policy).not.toMatch(/script-src[^;]*('unsafe|https?:|\*)/)
    expect(visitor.troubles).toEqual([])
    // The watch itself sees what it should.
    await visitor.page.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})")
    await eventually(() => visitor.troubles.join()).toMatch(/Content Security Policy/)
    visitor.expectTrouble(/127\.0\.0\.1:9\//)
  })
})
