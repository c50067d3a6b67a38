import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import axe from 'axe-core'
import { makeMixedFiles } from '../../../bench/corpus/make-mixed-files.ts'
import { LOSS, read, type Visitor, WAIT } from './test-support/visitor.ts'
import { type BrowserWorld, describeInBrowser, eventually, expect, it } from './test-support/world.ts'

/** A project of that name, made through the server; what begins there is not watched by anybody. */
async function project({ server }: BrowserWorld, name: string): Promise<string> {
  return (await server.request<{ id: string }>('POST', '/api/projects', { name })).id
}

/** A folder that takes one process some seconds. */
async function longFolder({ server }: BrowserWorld, name: string, files = 260): Promise<string> {
  const folder = join(server.root, name)
  await mkdir(folder, { recursive: true })
  await makeMixedFiles(folder, { files, seed: name })
  return folder
}

/** Adds a folder of the server on the project's page, as a person does: that watches it. */
async function addFolder({ page }: Visitor, id: string, folder: string): Promise<void> {
  await page.goto(`/projects/${id}`)
  await page.getByTestId('add-documents').click()
  await page.getByRole('radio', { name: 'Server folder' }).click()
  await page.getByTestId('source-path').fill(folder)
  await page.getByRole('button', { name: 'Ingest folder' }).click()
  await page.getByTestId('phases').waitFor()
}

const number = (text: string | null) => Number(/\d+/.exec(text ?? '')?.[0] ?? Number.NaN)

describeInBrowser(
  'what is watched',
  (world) => {
    it('[P8d] stays in sight elsewhere, after coming back and after a reload, and with its outcome until it is dismissed', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const id = await project(world, 'Tide tables')
      await addFolder(visitor, id, await longFolder(world, 'tides'))
      const row = page.getByTestId('watched')
      await row.waitFor()

      await page.goto('/settings')
      await row.waitFor()
      await eventually(() => row.getAttribute('data-status'), WAIT).toBe('working')
      expect(await read(row)).toMatch(
        /Tide tables\s+(Discover|Extract|Chunk|Index)(: [\dhms ]+ left)?\s+\d+ %\s+\d+ of 260 files/,
      )
      await page.reload()
      await row.waitFor()
      await page.getByRole('link', { name: 'Open Tide tables' }).click()
      await page.getByRole('heading', { name: 'Tide tables' }).waitFor()
      await page.goBack()
      await row.waitFor()

      await eventually(() => row.getAttribute('data-status'), WAIT).toBe('done')
      expect(await read(row)).toMatch(/Done\s+Tide tables\s+260 files · just now/)
      await page.reload()
      await row.waitFor()
      expect(await row.getAttribute('data-status')).toBe('done')

      await page.getByTestId('dismiss').click()
      await row.waitFor({ state: 'detached' })
      await page.getByTestId('notice').getByRole('button', { name: 'Undo' }).click()
      await row.waitFor()
      expect(await row.getAttribute('data-status')).toBe('done')
      await page.getByTestId('dismiss').click()
      await row.waitFor({ state: 'detached' })
      await page.reload()
      await page.getByRole('heading', { name: 'Settings' }).waitFor()
      expect(await row.count()).toBe(0)
    })

    it('[ING27] is the same in every tab, is minimised once for all pages, and a page can watch and let go', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const id = await project(world, 'Watched by hand')
      const path = await longFolder(world, 'by-hand', 1500)
      await world.server.request('POST', `/api/projects/${id}/ingestions`, { path })
      await page.goto(`/projects/${id}`)
      const watch = page.getByTestId('watch')
      await watch.waitFor()
      const second = await page.context().newPage()
      await second.goto('/')
      await second.getByTestId('project-row').first().waitFor()
      expect(await second.getByTestId('watched').count()).toBe(0)

      await watch.click()
      await second.getByTestId('watched').waitFor()
      await second.getByTestId('tray-toggle').click()
      await eventually(() => page.getByTestId('tray').getAttribute('data-open')).toBe('false')
      await page.reload()
      await page.getByTestId('tray').waitFor()
      expect(await page.getByTestId('tray').getAttribute('data-open')).toBe('false')
      expect(await read(page.getByTestId('tray-toggle'))).toMatch(/Watched by hand/)
      await watch.click()
      await second.getByTestId('tray').waitFor({ state: 'detached' })

      await page.getByTestId('cancel').click()
      await page.getByTestId('confirm-cancel').click()
      await page.getByTestId('end-cancelled').waitFor({ timeout: WAIT.timeout })
    })

    it('[ING28] has the same figures in the list, on its page and in the tray', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const id = await project(world, 'One state')
      const folder = await longFolder(world, 'one-state', 900)
      await writeFile(join(folder, '0.pdf'), '%PDF-1.7\nand then nothing')
      await addFolder(visitor, id, folder)
      await visitor.reaches('extract', 3)
      // All of it in one look, so that nothing moves in between.
      const onPage = () =>
        page.evaluate<string[]>(
          `['summary', 'watched-percent'].map((id) => document.querySelector('[data-testid=' + id + ']').innerText)`,
        )
      const [summary, tray] = await onPage()
      expect(number(summary ?? null)).toBe(number(tray ?? null))
      await page.getByRole('link', { name: 'Projects' }).first().click()
      await page.getByTestId('row-percent').waitFor()
      const inList = () =>
        page.evaluate<string[]>(
          `['row-percent', 'watched-percent'].map((id) => document.querySelector('[data-testid=' + id + ']').innerText)`,
        )
      for (let look = 0; look < 5; look += 1) {
        const [row, watched] = await inList()
        expect(number(row ?? null)).toBe(number(watched ?? null))
        await page.waitForTimeout(120)
      }
      await eventually(() => read(page.getByTestId('project-row').first()), WAIT).toMatch(
        /Working[\s\S]+ % [\s\S]+1 failed/,
      )
      expect(await read(page.getByTestId('watched'))).toMatch(/of 901 files, 1 failed/)
      await page.getByTestId('tray-toggle').click()
      await eventually(() => read(page.getByTestId('tray-toggle'))).toMatch(/ % · \w+ · 1 failed/)
      await page.getByTestId('tray-toggle').click()
      await page.getByRole('button', { name: 'Cancel One state' }).click()
      expect(await read(page.getByRole('dialog'))).toMatch(/None of its 901 files is searchable yet/)
      await page.getByTestId('confirm-cancel').click()
      await eventually(() => page.getByTestId('watched').getAttribute('data-status'), WAIT).toBe('cancelled')
    })

    it('[ING27] on a phone is one line above the places, covers nothing, and opens as a sheet', async () => {
      const visitor = await world.visitor({ width: 380, touch: true })
      const { page } = visitor
      const folder = join(world.server.root, 'small')
      await mkdir(folder)
      await writeFile(join(folder, 'a.md'), '# A\n\nWords.\n')
      const id = await project(world, 'On a phone')
      await addFolder(visitor, id, folder)
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      const dock = page.getByTestId('dock')
      const box = await dock.boundingBox()
      const places = await page.getByRole('navigation', { name: 'Main' }).boundingBox()
      expect(box?.height).toBeLessThan(50)
      expect(Math.abs((box?.y ?? 0) + (box?.height ?? 0) - (places?.y ?? 0))).toBeLessThanOrEqual(1)
      // Scrolled to its end, the last of the page stands above it.
      await page.getByRole('tab', { name: 'Files' }).click()
      await page.evaluate('window.scrollTo(0, document.body.scrollHeight)')
      const last = await page.getByTestId('files').boundingBox()
      expect((last?.y ?? 0) + (last?.height ?? 0)).toBeLessThanOrEqual(box?.y ?? 0)
      await page.getByTestId('tray-toggle').click()
      const sheet = page.getByRole('dialog')
      expect(await read(sheet)).toMatch(/Watching\s+Done\s+On a phone\s+1 file/)
      await sheet.getByTestId('dismiss').click()
      await page.getByTestId('tray').waitFor({ state: 'detached' })
    })

    it('[ING29] what was not read for a while says as of when, and counts nothing down', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const id = await project(world, 'Gone for a while')
      await addFolder(visitor, id, await longFolder(world, 'for-a-while', 400))
      await visitor.reaches('extract', 5)
      await eventually(() => read(page.getByTestId('time-left')), WAIT).toMatch(
        /^\d+ s\s+left in (Extract|Chunk|Index)$/,
      )
      const place = async () => (await page.getByTestId('overview').boundingBox())?.y
      const before = await place()
      visitor.expectTrouble(LOSS)
      await world.server.kill9()
      await page.getByTestId('as-of').waitFor({ timeout: WAIT.timeout })
      expect(await page.getByTestId('time-left').count()).toBe(0)
      expect(await read(page.getByTestId('watched'))).toMatch(/as of/)
      expect(await read(page.getByTestId('watched'))).not.toMatch(/left|files\/s/)
      expect(await read(page.getByTestId('stale'))).toContain('The figures are as of then')
      // It comes over the end of the page, which keeps as much room free: nothing that is read moves.
      expect(await place()).toBe(before)
      const bar = page.getByTestId('notice-bar')
      const { width, height } = page.viewportSize() ?? { width: 0, height: 0 }
      await page.evaluate(axe.source)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        const found = "axe.run('[data-testid=notice-bar]').then(({ violations }) => violations.map(({ id }) => id))"
        expect(await page.evaluate(found)).toEqual([])
      }
      await page.setViewportSize({ width: 380, height })
      await eventually(async () => (await bar.boundingBox())?.height ?? 0).toBeLessThanOrEqual(64)
      expect(await read(bar)).toMatch(/^The connection was lost .+\. The figures are as of then\.$/)
      await page.setViewportSize({ width, height })
      await world.server.start()
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      await eventually(() => page.getByTestId('watched').getAttribute('data-status')).toBe('done')
    })
  },
  { env: () => ({ INGEST_PROCESSES: '1' }) },
)
