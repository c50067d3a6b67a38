import { mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeMixedFiles } from '../../../bench/corpus/make-mixed-files.ts'
import { read, WAIT } from './test-support/visitor.ts'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

describeInBrowser(
  'what can be done with an ingestion',
  (world) => {
    it('[P9g] cancels after a question that says what is lost, and goes on from there by a retry', {
      timeout: 180_000,
    }, async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const project = await visitor.openNewProject('Cancelled')
      await mkdir(join(world.server.root, 'many'))
      // Long enough that it still works when everything was clicked, on a machine that has other things to do.
      await makeMixedFiles(join(world.server.root, 'many'), { files: 800 })
      const start = (path: string) =>
        world.server.request<{ ingestionId: string }>('POST', `/api/projects/${project}/ingestions`, { path })
      const first = await start(join(world.server.root, 'many'))
      await visitor.reaches('extract', 5)

      // [P5e] A second one waits behind it, and says so.
      const second = await start(join(world.server.root, 'many/part-1'))
      await page.getByText('1 more queued behind this').waitFor()
      await page.goto(`/projects/${project}?ingestion=${second.ingestionId}`)
      await page.getByTestId('queued-behind').waitFor()
      await page.getByTestId('cancel').click()
      expect(await read(page.getByRole('dialog'))).toContain('It has not begun, so nothing is lost.')
      await page.getByTestId('confirm-cancel').click()
      await page.getByTestId('end-cancelled').waitFor()

      await page.goto(`/projects/${project}?ingestion=${first.ingestionId}`)
      await page.getByTestId('cancel').click()
      expect(await read(page.getByRole('dialog'))).toMatch(/None of its 800 files is searchable yet/)
      await page.getByRole('button', { name: 'Keep it going' }).click()
      await page.getByTestId('cancel').click()
      await page.getByTestId('confirm-cancel').click()
      await page.getByTestId('end-cancelled').waitFor()
      expect(await read(page.getByTestId('end-cancelled'))).toMatch(/^Cancelled just now in (Extract|Chunk|Index)\./)

      await page.getByTestId('retry').click()
      await page.getByRole('menuitem', { name: /^All of it/ }).click()
      await page.getByText('tries an earlier one again').waitFor()
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      expect(await visitor.falls()).toEqual([])
    })

    it('[P9f] retries one file once it was mended, one phase, and all', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const folder = join(world.server.root, 'few')
      await mkdir(folder)
      await writeFile(join(folder, 'good.md'), '# Good\n\nNothing is wrong with it.\n')
      await writeFile(join(folder, 'mended.docx'), 'PK\u0003\u0004 and nothing more')
      const project = await visitor.openNewProject('Tried again')
      await world.server.request('POST', `/api/projects/${project}/ingestions`, { path: folder })
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      await page.getByTestId('cause').click()
      await eventually(() => page.getByTestId('file-row').count()).toBe(1)

      await makeMixedFiles(join(folder, 'made'), { files: 6 })
      const made = await readdir(join(folder, 'made/part-1'))
      const document = made.find((name) => name.endsWith('.docx')) ?? ''
      await rename(join(folder, 'made/part-1', document), join(folder, 'mended.docx'))
      await page.getByTestId('retry-file').click()
      await page.getByText('tries an earlier one again').waitFor()
      await page.getByTestId('count-files').click()
      const row = page.getByTestId('file-row').filter({ hasText: 'mended.docx' })
      await eventually(() => row.getAttribute('data-status'), WAIT).toBe('done')
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })

      for (const choice of [/^From chunk on/, /^All of it/]) {
        const before = await page.getByTestId('phases').getAttribute('data-ingestion')
        await page.getByTestId('retry').click()
        await page.getByRole('menuitem', { name: choice }).click()
        await eventually(() => page.getByTestId('phases').getAttribute('data-ingestion'), WAIT).not.toBe(before)
        await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      }
      await page.getByRole('tab', { name: 'History' }).click()
      await eventually(() => page.getByTestId('history-row').count()).toBe(4)
      expect(await visitor.falls()).toEqual([])
    })
  },
  { env: () => ({ INGEST_PROCESSES: '1' }) },
)
