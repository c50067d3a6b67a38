import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makeMixedFiles } from '../../../bench/corpus/make-mixed-files.ts'
import { read, type Visitor, WAIT } from './test-support/visitor.ts'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

/** What has the focus, and whether that can be seen. */
function focused({ page }: Visitor): Promise<{ text: string; isSeen: boolean }> {
  return page.evaluate(`(() => {
    const element = document.activeElement
    const { outlineStyle, outlineWidth, borderColor, backgroundColor } = getComputedStyle(element)
    const isSeen = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
    return { text: element.getAttribute('aria-label') ?? element.innerText ?? '', isSeen }
  })()`)
}

/** Goes on with Tab until what has the focus is called so; every step on the way is seen. */
async function tabTo(visitor: Visitor, name: RegExp): Promise<void> {
  for (let step = 0; step < 30; step += 1) {
    await visitor.page.keyboard.press('Tab')
    const { text, isSeen } = await focused(visitor)
    expect(isSeen, `the focus on “${text}” is seen`).toBe(true)
    if (name.test(text)) return
  }
  throw new Error(`Tab never came to ${name}`)
}

describeInBrowser('without a mouse', (world) => {
  it('[PG6] makes a project, ingests a folder, moves among its files, searches and goes elsewhere by keys alone', async () => {
    const folder = join(world.server.root, 'letters')
    await mkdir(folder)
    await makeMixedFiles(folder, { files: 12 })
    const visitor = await world.visitor()
    const { page } = visitor
    const { keyboard } = page

    await page.getByTestId('drop-zone').waitFor()
    await tabTo(visitor, /^New empty project/)
    await keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await keyboard.type('Letters')
    await keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Letters', level: 1 }).waitFor()

    await page.getByTestId('drop-zone').waitFor()
    await tabTo(visitor, /^Path, URL or repository/)
    await keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.getByRole('radio', { name: 'This device' }).press('ArrowRight')
    await eventually(async () => (await focused(visitor)).text).toBe('Server folder')
    await keyboard.press('Enter')
    await page.getByTestId('source-path').waitFor()
    await eventually(() => page.getByTestId('source-path').evaluate((field) => field.matches(':focus'))).toBe(true)
    await keyboard.type(folder)
    await keyboard.press('Enter')
    await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
    await eventually(() => page.getByTestId('file-row').count()).toBe(12)

    const rows = page.getByTestId('file-row')
    const hasFocus = (index: number) => rows.nth(index).evaluate((row) => row.matches(':focus'))
    await keyboard.press('j')
    expect(await hasFocus(0)).toBe(true)
    expect((await focused(visitor)).isSeen).toBe(true)
    await keyboard.press('j')
    await keyboard.press('j')
    await keyboard.press('k')
    expect(await hasFocus(1)).toBe(true)

    await keyboard.press('/')
    await page.getByTestId('search').waitFor()
    await keyboard.type('the')
    await page.getByTestId('search-hit').first().waitFor()
    await keyboard.press('Escape')

    await keyboard.press('Control+k')
    await keyboard.type('projects')
    await keyboard.press('Enter')
    await page.getByTestId('project-row').waitFor()
    await keyboard.press('?')
    expect(await read(page.getByRole('dialog'))).toContain('Next and previous row')
    await keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await keyboard.press('j')
    await keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Letters', level: 1 }).waitFor()
    await page.getByTestId('file-row').first().waitFor()
    await keyboard.press('g')
    await keyboard.press('p')
    await page.getByTestId('project-row').waitFor()
  })
})
