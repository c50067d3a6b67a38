import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeMixedFiles } from '../../../bench/corpus/make-mixed-files.ts'
import { writePlainPdf } from '../../../bench/corpus/write-pdf.ts'
import { LOSS, read, WAIT } from './test-support/visitor.ts'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

const NOTE = `# Tide tables

## Slack water

The lighthouse keeper of Ormsund counted forty-one seals at slack water.
`

/** A folder of mixed files, and in it two notes with known passages and a PDF that is none. */
async function makeFolder(root: string, name: string, files: number): Promise<string> {
  const folder = join(root, name)
  await mkdir(folder, { recursive: true })
  await makeMixedFiles(folder, { files, seed: name })
  await mkdir(join(folder, 'notes'))
  await writeFile(join(folder, 'notes/tides.md'), NOTE)
  const lines = Array.from({ length: 60 }, (_, line) => `Of bells, the ${line + 1}th line.`)
  await writeFile(join(folder, 'notes/bells.pdf'), writePlainPdf([...lines, 'The tide bell rang twice.'], 'Bells'))
  await writeFile(join(folder, 'notes/broken.pdf'), '%PDF-1.7\nand then nothing that a PDF has')
  return folder
}

describeInBrowser(
  'an ingestion, watched',
  (world) => {
    it('[P9d] a dropped folder goes through four phases, and every file of it is accounted for', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      await page.getByTestId('drop-zone').waitFor()
      const drop = await visitor.dragOver(await makeFolder(world.server.root, 'handbook', 36))
      await drop()
      await page.getByRole('heading', { name: 'handbook' }).waitFor()
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      expect(await visitor.percents()).toEqual([100, 100, 100, 100])
      expect(await visitor.falls()).toEqual([])

      const { files, done, failed, skipped } = await visitor.counts()
      expect(files).toBe(39)
      expect(done + failed + skipped).toBe(files)
      expect({ failed, skipped }).toEqual({ failed: 1, skipped: 2 })
      await eventually(() => page.getByTestId('file-row').count()).toBe(39)
      await eventually(() => read(page.getByTestId('files-total'))).toBe('39 files in the project')

      await page.getByTestId('count-failed').click()
      const row = page.getByTestId('file-row').filter({ hasText: 'broken.pdf' })
      await eventually(() => page.getByTestId('file-row').count()).toBe(1)
      expect(await read(row)).toContain('It is damaged and cannot be read.')

      await page.keyboard.press('/')
      await page.getByTestId('search').fill('"forty-one seals"')
      const hit = page.getByTestId('search-hit')
      await hit.waitFor()
      expect(await hit.locator('mark').allInnerTexts()).toEqual(['forty-one seals'])
      expect(await read(hit)).toMatch(/notes\/tides\.md\s+lines 1–5\s+Tide tables › Slack water/)
      await page.getByTestId('search').fill('tide bell')
      await eventually(async () => read(hit)).toMatch(/notes\/bells\.pdf\s+page 2\s/)
    })

    it('[ING36] the files of a dropped folder are in the table before the ingestion has ended', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      await visitor.openNewProject('dropped')
      // The files are counted before they are stored; how long in between is made certain here.
      const list = /\/projects\/[^/]+\/files(\?|$)/
      await page.route(list, (route) => route.fulfill({ json: { items: [], next: null, groups: [], total: 0 } }))
      const drop = await visitor.dragOver(await makeFolder(world.server.root, 'dropped', 400))
      await drop()
      await visitor.reaches('extract', 3)
      expect(await page.getByTestId('file-row').count()).toBe(0)
      await page.unroute(list)
      await page.getByTestId('file-row').first().waitFor({ timeout: WAIT.timeout })
      expect(await page.getByTestId('overview').innerText()).toMatch(/^Upload\s+\d+ % /)
      expect(await page.getByTestId('end-done').count()).toBe(0)
      await page.getByTestId('cancel').click()
      await page.getByTestId('confirm-cancel').click()
      await page.getByTestId('end-cancelled').waitFor({ timeout: WAIT.timeout })
    })

    it('[PG5] shows the same state at once when it is reloaded in the middle', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      await visitor.openNewProject('reloaded')
      await page.getByTestId('folder-input').setInputFiles(await makeFolder(world.server.root, 'reloaded', 60))
      await visitor.reaches('extract', 20)
      await page.reload()
      await page.getByTestId('phase-extract').waitFor()
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      await page.reload()
      await page.getByTestId('end-done').waitFor()
      expect(await visitor.percents()).toEqual([100, 100, 100, 100])
      expect(await visitor.falls()).toEqual([])
    })

    it('[P9i] goes on by itself when the server is killed and started again, and the page with it', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const project = await visitor.openNewProject('killed')
      const path = await makeFolder(world.server.root, 'killed', 120)
      await world.server.request('POST', `/api/projects/${project}/ingestions`, { path })
      await visitor.reaches('extract', 15)
      visitor.expectTrouble(LOSS)
      await world.server.kill9()

      const connection = page.getByTestId('connection')
      await eventually(() => read(connection)).toMatch(/^Reconnecting, attempt \d+ (now|in \d+ s)$/)
      await eventually(() => read(connection)).toMatch(/in \d+ s$/)
      expect(await read(page.getByTestId('stale'))).toContain('the ingestion does not need this page to go on')
      await world.server.start()
      await eventually(() => connection.getAttribute('data-state'), WAIT).toBe('connected')
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      expect(await visitor.falls()).toEqual([])
      expect(await visitor.counts()).toEqual({ files: 123, done: 120, failed: 1, skipped: 2 })
    })
  },
  { env: () => ({ INGEST_PROCESSES: '1' }) },
)
