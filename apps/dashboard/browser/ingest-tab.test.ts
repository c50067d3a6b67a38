import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContext } from 'playwright-core'
import { makeMixedFiles } from '../../../bench/corpus/make-mixed-files.ts'
import { type Visitor, WAIT } from './test-support/visitor.ts'
import { type BrowserWorld, describeInBrowser, eventually, expect, it } from './test-support/world.ts'

async function begin(world: BrowserWorld, name: string, files: number): Promise<{ id: string; ingestionId: string }> {
  const path = join(world.server.root, name)
  await mkdir(path, { recursive: true })
  await makeMixedFiles(path, { files, seed: name })
  const made = await world.server.request<{ id: string; ingestion: { ingestionId: string } }>('POST', '/api/projects', {
    name,
    source: { path },
  })
  return { id: made.id, ingestionId: made.ingestion.ingestionId }
}

const icon = ({ page }: Visitor) => page.locator('link[rel="icon"]').getAttribute('href')

const RECORD = `
  Object.defineProperty(document, 'hidden', { get: () => true })
  window.Notification = class {
    static permission = 'granted'
    static requestPermission = async () => 'granted'
    constructor(title, { body }) { window.noteNotification(title + ': ' + body) }
    close() {}
  }
`

/** Notifications are written down instead of shown, over all pages; and every page believes that nobody looks at it. */
async function recordNotifications(context: BrowserContext): Promise<string[]> {
  const shown: string[] = []
  await context.exposeFunction('noteNotification', (text: string) => void shown.push(text))
  await context.addInitScript({ content: RECORD })
  return shown
}

describeInBrowser(
  'the tab',
  (world) => {
    it('[ING30] tells in title and icon how far the page’s ingestion is, elsewhere what is watched, and is as before afterwards', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const before = await icon(visitor)
      const { id } = await begin(world, 'Ebb and flow', 260)
      await page.goto(`/projects/${id}`)
      await eventually(() => page.title(), WAIT).toMatch(/^\d+ % · Ebb and flow · Holdfast$/)
      await eventually(() => icon(visitor)).toMatch(/^data:image\/svg\+xml,/)
      await page.getByTestId('watch').click()
      await page.getByTestId('watched').waitFor()
      await page.goto('/settings')
      await eventually(() => page.title(), WAIT).toMatch(/^\d+ % · Ebb and flow · Settings · Holdfast$/)
      await eventually(() => icon(visitor)).toMatch(/^data:image\/svg\+xml,/)
      await eventually(() => page.title(), WAIT).toBe('Settings · Holdfast')
      await eventually(() => icon(visitor)).toBe(before)
      expect(await page.getByTestId('watched').getAttribute('data-status')).toBe('done')
    })

    it('[ING30] keeps the mark of an end that nobody saw until somebody looks', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const { id } = await begin(world, 'Unseen', 120)
      await page.goto(`/projects/${id}`)
      await page.getByTestId('watch').click()
      await page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      // A check on a filled circle.
      await eventually(async () => decodeURIComponent((await icon(visitor)) ?? '')).toMatch(/<circle[^>]+fill=.+<path/)
      await page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
      await eventually(() => icon(visitor)).not.toMatch(/^data:/)
    })

    it('[ING31] tells the end on the desktop once however many tabs are open, where somebody asked for it by a press', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const context = page.context()
      const shown = await recordNotifications(context)
      await page.goto('/settings')
      await page.getByRole('switch', { name: 'Tell me when a watched ingestion ends' }).click()
      await eventually(() => page.evaluate("localStorage.getItem('holdfast.notify')")).toBe('yes')
      const { id } = await begin(world, 'Told once', 600)
      const others = [await context.newPage(), await context.newPage()]
      for (const other of others) {
        await other.goto('/')
        await other.getByTestId('project-row').first().waitFor()
      }
      await page.goto(`/projects/${id}`)
      await page.getByTestId('watch').click()
      for (const one of [page, ...others]) {
        await eventually(() => one.getByTestId('watched').getAttribute('data-status'), WAIT).toBe('done')
      }
      await eventually(() => shown).toEqual(['Told once is done: 600 files, none failed.'])
      // Longer than the last of the tabs waits before it would tell.
      await page.waitForTimeout(1500)
      expect(shown).toHaveLength(1)

      const { id: second } = await begin(world, 'Not asked for', 50)
      await page.goto('/settings')
      await page.getByRole('switch', { name: 'Tell me when a watched ingestion ends' }).click()
      await page.goto(`/projects/${second}`)
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      expect(shown).toHaveLength(1)
    })
  },
  { env: () => ({ INGEST_PROCESSES: '1' }) },
)
