import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '@holdfast/testing'
import { beforeAll } from 'vitest'
import { answered, read, WAIT } from './test-support/visitor.ts'
import { type BrowserWorld, describeInBrowser, eventually, expect, it } from './test-support/world.ts'

let harbour = ''

/** A project whose files failed for two causes, and some others that are empty. */
async function fill({ server }: BrowserWorld): Promise<void> {
  const path = join(server.root, 'harbour')
  await mkdir(join(path, 'scans'), { recursive: true })
  await writeFile(
    join(path, 'notes.md'),
    '# Notes\n\nThe harbour master keeps a log.\n\n## Tides\n\nThey come and go.\n',
  )
  await writeFile(join(path, 'long.md'), `# Long\n\n${'The tide bell rang. '.repeat(400)}`)
  for (let n = 0; n < 7; n += 1) {
    await writeFile(join(path, `scans/broken-${n}.pdf`), `%PDF-1.7\nand then nothing ${'x'.repeat(n)}`)
  }
  await writeFile(join(path, 'broken.docx'), 'PK\u0003\u0004 and nothing more')
  for (const name of ['Beta', 'alpha', 'Gamma', 'Alphabet']) await server.request('POST', '/api/projects', { name })
  const made = await server.request<{ id: string }>('POST', '/api/projects', { name: 'Harbour', source: { path } })
  harbour = made.id
  const progress = () => server.request<{ status: string }>('GET', `/api/projects/${harbour}/progress`)
  await until(async () => (await progress()).status === 'done', { seconds: 60 })
}

describeInBrowser('lists of the ingest panel', (world) => {
  beforeAll(() => fill(world), WAIT.timeout)

  it('[ING32] projects are searched, filtered and sorted by the address; what is on can be removed, and back goes back', async () => {
    const { page } = await world.visitor()
    const names = () => page.getByTestId('project-row').locator('span:first-child').first()
    const rows = page.getByTestId('project-row')
    const shown = async () => (await rows.allInnerTexts()).map((text) => text.split('\n')[0])
    await page.goto('/')
    await names().waitFor()
    await eventually(shown).toEqual(['Harbour', 'Alphabet', 'Gamma', 'alpha', 'Beta'])

    await page.keyboard.press('/')
    await page.keyboard.type('alp')
    await eventually(shown).toEqual(['Alphabet', 'alpha'])
    expect(page.url()).toMatch(/\?q=alp$/)
    expect(await read(page.getByTestId('projects-total'))).toBe('2 that match')
    await page.getByTestId('project-sort').click()
    await page.getByRole('button', { name: 'By name', exact: true }).click()
    await eventually(shown).toEqual(['alpha', 'Alphabet'])
    await page.reload()
    await eventually(shown).toEqual(['alpha', 'Alphabet'])
    await page.getByRole('button', { name: 'Remove the filter Name: alp' }).click()
    await eventually(shown).toEqual(['alpha', 'Alphabet', 'Beta', 'Gamma', 'Harbour'])
    await page.getByTestId('project-status').click()
    await page.getByRole('button', { name: /^Done\s*1/ }).click()
    await eventually(shown).toEqual(['Harbour'])
    await page.goBack()
    await eventually(shown).toEqual(['alpha', 'Alphabet', 'Beta', 'Gamma', 'Harbour'])
    await page.goBack()
    await eventually(shown).toEqual(['alpha', 'Alphabet'])

    await page.goto('/?q=nobody&status=failed')
    await page.getByTestId('no-match').waitFor()
    await page.getByRole('button', { name: 'Show all projects' }).click()
    await eventually(shown).toHaveLength(5)
    await page.getByRole('heading', { name: 'Projects' }).click()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Alphabet' }).waitFor()
  })

  it('[ING32] a project that comes while somebody stands in the list waits above it', async () => {
    const { page } = await world.visitor()
    await page.goto('/')
    const rows = page.getByTestId('project-row')
    await rows.first().waitFor()
    const first = (await rows.first().innerText()).split('\n')[0]
    await page.keyboard.press('j')
    await world.server.request('POST', '/api/projects', { name: 'Came meanwhile' })
    await page.getByTestId('new-rows').waitFor()
    expect(await read(page.getByTestId('new-rows'))).toBe('1 new')
    expect((await rows.first().innerText()).split('\n')[0]).toBe(first)
    await page.getByTestId('new-rows').click()
    await eventually(async () => (await rows.first().innerText()).split('\n')[0]).toBe('Came meanwhile')
  })

  it('[ING33] files are sorted and filtered by the address, and one stands open beside the list at an address of its own', async () => {
    const { page } = await world.visitor()
    await page.goto(`/projects/${harbour}`)
    const rows = page.getByTestId('file-row')
    await eventually(() => rows.count()).toBe(10)
    await page.getByRole('button', { name: 'Size' }).click()
    await eventually(() => read(rows.first())).toMatch(/^\s*long\.md/)
    await page.getByRole('button', { name: 'Size' }).click()
    await eventually(() => read(rows.last())).toMatch(/^\s*long\.md/)
    expect(page.url()).toMatch(/sort=size/)

    await page.getByTestId('cause').first().click()
    await page.getByRole('button', { name: /^Remove the filter Status: Failed \(8\)/ }).waitFor()
    await page.getByRole('button', { name: /^Remove the filter Reason: / }).click()
    await page.getByTestId('path-filter').fill('SCANS/')
    await eventually(() => rows.count()).toBe(7)
    await page.getByRole('button', { name: 'Clear all' }).click()
    await eventually(() => rows.count()).toBe(10)

    await page.keyboard.press('j')
    await rows.filter({ hasText: 'notes.md' }).getByTestId('file-link').click()
    const detail = page.getByTestId('file-detail')
    await detail.getByTestId('passage').first().waitFor()
    expect(await read(detail)).toMatch(/notes\.md[\s\S]+Done[\s\S]+Markdown[\s\S]+harbour[\s\S]+The harbour master/)
    await page.goto(page.url())
    await detail.getByTestId('passage').first().waitFor()
    await rows.filter({ hasText: 'broken-3.pdf' }).getByTestId('file-link').click()
    await eventually(() => read(detail.getByTestId('file-reason'))).toMatch(/^It is damaged .+ CORRUPT$/)
    await page.goBack()
    await detail.getByTestId('passage').first().waitFor()
    await page.keyboard.press('/')
    await eventually(() => page.evaluate('document.activeElement?.dataset.testid')).toBe('search')
    expect(page.url()).not.toContain('file=')
    await page.getByRole('tab', { name: 'History' }).click()
    await page.getByRole('tab', { name: 'Search' }).click()
    await eventually(() => page.evaluate('document.activeElement?.dataset.testid')).toBe('search')
    await page.keyboard.type('harbour')
    await page.getByTestId('search-hit').first().waitFor()
    await page.getByRole('tab', { name: 'Files' }).click()
    await rows.filter({ hasText: 'notes.md' }).getByTestId('file-link').click()
    await detail.getByRole('button', { name: 'Close the file' }).click()
    await detail.waitFor({ state: 'detached' })
  })

  it('[ING33] on a phone the file of an address is on the first screen, however much stands above it', async () => {
    const { page } = await world.visitor({ width: 380, touch: true })
    await page.goto(`/projects/${harbour}`)
    await page.getByTestId('file-row').filter({ hasText: 'broken-3.pdf' }).getByTestId('file-link').click()
    const detail = page.getByTestId('file-detail')
    // Above the bar for the thumb.
    const isInView = async () => {
      const box = await detail.getByTestId('file-reason').boundingBox()
      const room = (page.viewportSize()?.height ?? 0) - 56
      return box !== null && box.y > 48 && box.y + box.height < room
    }
    await detail.waitFor()
    await eventually(isInView).toBe(true)
    await page.goto(page.url())
    await detail.getByTestId('file-reason').waitFor()
    await eventually(isInView).toBe(true)
  })

  it('[ING34] a set of failed files is tried again as it is filtered or selected, with its number', async () => {
    const { page } = await world.visitor()
    await page.goto(`/projects/${harbour}?path=scans/`)
    const rows = page.getByTestId('file-row')
    await eventually(() => rows.count()).toBe(7)
    await eventually(() => read(page.getByTestId('retry-set'))).toBe('Retry 7 files')
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    expect(await read(page.getByTestId('selection-bar'))).toMatch(/2 files selected/)
    await page.getByTestId('retry-selected').click()
    await page.getByText('2 files are tried again').first().waitFor()
    await page.getByText('tries an earlier one again').waitFor()
    await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
    expect(await read(page.getByTestId('count-files'))).toMatch(/^2\s*files/)

    await page.goto(`/projects/${harbour}`)
    await eventually(() => read(page.getByTestId('retry-set'))).toBe('Retry 8 files')
    await page.getByTestId('retry-set').click()
    await page.getByTestId('notice').filter({ hasText: '8 files are tried again' }).waitFor()
    await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
    await eventually(() => read(page.getByTestId('count-files'))).toMatch(/^8\s*files/)
    await page.getByRole('tab', { name: 'History' }).click()
    await eventually(() => page.getByTestId('history-row').count()).toBe(3)
  })

  it('[ING24] the table is taken along as it is filtered and sorted', async () => {
    const { page } = await world.visitor()
    await page.goto(`/projects/${harbour}?status=failed&path=scans&sort=-path`)
    await eventually(() => page.getByTestId('file-row').count()).toBe(7)
    const download = page.waitForEvent('download')
    await page.getByTestId('export').click()
    await page.getByRole('menuitem', { name: /^CSV/ }).click()
    const file = await download
    expect(file.suggestedFilename()).toBe('files.csv')
    const lines = (await readFile(await file.path(), 'utf8')).trim().split('\r\n')
    expect(lines).toHaveLength(8)
    expect(lines[1]).toMatch(/^scans\/broken-6\.pdf,pdf,\d+,failed,CORRUPT,/)
  })

  it('[ING35] who may only look is offered nothing to change, and a page they may not see says what is missing', async () => {
    const visitor = await world.visitor()
    const { page } = visitor
    visitor.expectTrouble(answered(403))
    const me = { kind: 'user', id: 'reader', scope: ['read:*'], expiresAt: null }
    await page.route('**/api/me', (route) => route.fulfill({ json: me }))
    await page.goto('/')
    await page.getByTestId('project-row').first().waitFor()
    expect(await page.getByTestId('new-project').count()).toBe(0)
    await page.goto(`/projects/${harbour}`)
    await eventually(() => page.getByTestId('file-row').count()).toBe(10)
    for (const name of ['add-documents', 'retry', 'retry-set', 'retry-file', 'cancel']) {
      expect(await page.getByTestId(name).count(), name).toBe(0)
    }
    expect(await page.locator('[data-select]').count()).toBe(0)
    await page.getByTestId('export').waitFor()
    const problem = { title: 'You may not do this.', status: 403, code: 'FORBIDDEN', kind: 'auth', retry: false }
    await page.route(`**/api/projects/${harbour}`, (route) => route.fulfill({ status: 403, json: problem }))
    await page.reload()
    await page.getByTestId('no-permission').waitFor()
    expect(await read(page.getByTestId('no-permission'))).toContain(`read:projects/${harbour}/*`)
  })
})
