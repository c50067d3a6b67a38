import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '@holdfast/testing'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { beforeAll } from 'vitest'
import { WAIT } from './test-support/visitor.ts'
import { type BrowserWorld, describeInBrowser, expect, it } from './test-support/world.ts'

let project = ''
let ingestionId = ''

async function fill({ server }: BrowserWorld): Promise<void> {
  const path = join(server.root, 'a-folder-with-a-rather-long-name-as-people-give-them-to-folders')
  await mkdir(path)
  await writeFile(join(path, 'notes-on-the-harbour-and-the-people-who-work-there.md'), '# Harbour\n\nThe harbour.\n')
  for (const name of ['broken', 'torn']) await writeFile(join(path, `${name}.pdf`), '%PDF-1.7\nand then nothing')
  const name = 'The archive of the harbour office, and all that was found in its cellar'
  const made = await server.request<{ id: string; ingestion: { ingestionId: string } }>('POST', '/api/projects', {
    name,
    source: { path },
  })
  project = made.id
  ingestionId = made.ingestion.ingestionId
  const progress = () => server.request<{ status: string }>('GET', `/api/projects/${project}/progress`)
  await until(async () => (await progress()).status === 'done', { seconds: 60 })
}

/** What the tray holds: one that ended long ago, and one that is not there. */
async function watchSome(page: Page): Promise<void> {
  const outcome = { status: 'failed', files: 1200, failed: 31, at: '2026-01-01T00:00:00.000Z' }
  const base = { projectId: project, name: 'The archive of the harbour office, and all of it', since: 1 }
  const list = [
    { ...base, ingestionId: 'ended', outcome },
    { ...base, ingestionId: 'nobody-made-it', outcome: null },
    { ...base, ingestionId, outcome: null },
  ]
  const me = await page.evaluate<{ id: string }>("fetch('/api/me').then((answer) => answer.json())")
  await page.evaluate(`localStorage.setItem('holdfast.watching.${me.id}', ${JSON.stringify(JSON.stringify(list))})`)
}

const PLACES: Record<string, (page: Page) => Promise<unknown>> = {
  'a filtered list': async (page) => {
    await page.goto('/?q=archive&status=done&sort=name')
    await page.getByTestId('project-row').waitFor()
  },
  'the orders': (page) => page.getByTestId('project-sort').click(),
  'a list without a match': async (page) => {
    await page.goto('/?q=nobody')
    await page.getByTestId('no-match').waitFor()
  },
  'failed files': async (page) => {
    await page.goto(`/projects/${project}?status=failed&code=CORRUPT`)
    await page.getByTestId('retry-set').waitFor()
  },
  'one file': async (page) => {
    await page.goto(`/projects/${project}?sort=size`)
    await page.getByTestId('file-link').first().click()
    await page.getByTestId('file-detail').waitFor()
  },
  'folded phases': async (page) => {
    await page.goto(`/projects/${project}?phases=closed&tab=history`)
    await page.getByTestId('history-row').waitFor()
  },
  'the notifications': async (page) => {
    await page.goto('/settings')
    await page.getByTestId('notification-settings').waitFor()
  },
}

describeInBrowser('how the ingest panel looks', (world) => {
  beforeAll(() => fill(world), WAIT.timeout)

  it('[PG8] has no serious or critical finding with the tray open, in both themes; what is gone says so', async () => {
    const visitor = await world.visitor({ still: true })
    const { page } = visitor
    visitor.expectTrouble(/404/)
    await watchSome(page)
    const found: string[] = []
    for (const [place, show] of Object.entries(PLACES)) {
      await show(page)
      await page.getByTestId('tray').waitFor()
      await page.evaluate(axe.source)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document, { resultTypes: ["violations"] })')
        const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        found.push(...grave.map(({ id, nodes }) => `${place}, ${colorScheme}: ${id} ${nodes.map((node) => node.html)}`))
      }
      await page.emulateMedia({ colorScheme: 'light' })
    }
    expect(found).toEqual([])
    const gone = page.locator('[data-testid=watched][data-ingestion=nobody-made-it]')
    await gone.getByRole('button', { name: /^Dismiss / }).waitFor()
    expect(await gone.innerText()).toContain('It is not there any more, or may not be read.')
  })

  it('[PG7] at 380 px nothing leaves the screen, the tray’s sheet included, and whatever is pressed is 40 px high', async () => {
    const visitor = await world.visitor({ width: 380, touch: true, still: true })
    const { page } = visitor
    visitor.expectTrouble(/404/)
    await watchSome(page)
    const found: string[] = []
    const sheet = async () => {
      await page.getByTestId('tray-toggle').click()
      await page.getByRole('dialog').getByTestId('watched').first().waitFor()
    }
    const places: typeof PLACES = { ...PLACES, sheet }
    for (const [place, show] of Object.entries(places)) {
      await show(page)
      await page.getByTestId('tray').waitFor()
      found.push(
        ...(await page.evaluate<string[]>(`(() => {
          const found = []
          const { scrollWidth, clientWidth } = document.documentElement
          if (scrollWidth > clientWidth) found.push('${place}: ' + scrollWidth + ' px wide')
          for (const element of document.querySelectorAll('button, input:not([type=file]), [role=tab]')) {
            if (!element.checkVisibility() || element.closest('.sr-only')) continue
            const { height, left, right } = element.getBoundingClientRect()
            const name = element.ariaLabel ?? element.innerText
            if (height < 40) found.push('${place}: ' + name + ' is ' + height + ' px high')
            if (left < 0 || right > clientWidth) found.push('${place}: ' + name + ' leaves the screen')
          }
          return found
        })()`)),
      )
    }
    expect(found).toEqual([])
  })
})
