import { beforeAll } from 'vitest'
import { read } from './test-support/visitor.ts'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

describeInBrowser('places, actions and keys', (world) => {
  beforeAll(async () => {
    for (const name of ['Keeping bees', 'Harbour archive']) {
      await world.server.request('POST', '/api/projects', { name })
    }
  })

  it('[PG13] goes by initials, and has what was used last at its head after a reload', async () => {
    const { page } = await world.visitor()
    await page.getByTestId('project-row').first().waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill('kb')
    await eventually(() => page.getByRole('option').count()).toBe(1)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Keeping bees' }).waitFor()
    await eventually(() => page.evaluate('document.activeElement.tagName')).toBe('H1')
    await page.reload()
    await page.getByRole('heading', { name: 'Keeping bees' }).waitFor()
    await page.keyboard.press('Control+k')
    const recent = page.getByRole('group', { name: 'Recent' })
    await eventually(() => read(recent.getByRole('option').first())).toContain('Keeping bees')
  })

  it('[PG13] tells a screen reader which of how many is meant, and gives the focus back', async () => {
    const { page } = await world.visitor()
    await page.getByTestId('project-row').first().waitFor()
    const opener = page.getByTestId('open-palette')
    await opener.click()
    const field = page.getByRole('combobox', { name: 'Search places and actions' })
    await field.waitFor()
    const meant = async () => {
      const id = await field.getAttribute('aria-activedescendant')
      const option = page.locator(`[id="${id}"]`)
      return [await option.getAttribute('aria-selected'), (await read(option)).split('\n')[0]]
    }
    await field.fill('theme')
    expect(await meant()).toEqual(['true', 'Theme of the system'])
    await page.keyboard.press('ArrowDown')
    expect(await meant()).toEqual(['true', 'Light theme'])
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('ArrowUp')
    expect(await meant()).toEqual(['true', 'Dark theme'])
    await field.fill('nothing is called like that')
    await page.getByText('Nothing is called').first().waitFor()
    await page.keyboard.press('Escape')
    await eventually(() => opener.evaluate((button) => button.matches(':focus'))).toBe(true)
  })

  it('[PG13] opens from the bar on a phone, above the keyboard', async () => {
    const { page } = await world.visitor({ width: 380, touch: true })
    await page.getByRole('navigation', { name: 'Main' }).getByRole('button', { name: 'Go to' }).tap()
    const field = page.getByRole('combobox')
    await field.fill('harbour')
    const box = await field.boundingBox()
    expect(box?.y).toBeLessThan(60)
    await page.getByRole('option').first().tap()
    await page.getByRole('heading', { name: 'Harbour archive' }).waitFor()
  })

  it('[PG14] tells the keys of this page and no others', async () => {
    const { page } = await world.visitor()
    const keys = page.getByRole('dialog', { name: 'Keyboard' })
    const told = async () => {
      await page.keyboard.press('?')
      await keys.waitFor()
      const text = await read(keys)
      await page.keyboard.press('Escape')
      await keys.waitFor({ state: 'detached' })
      return text
    }
    await page.getByTestId('project-row').first().waitFor()
    const ofProjects = await told()
    expect(ofProjects).toMatch(/J\s*K\s*Next and previous row/)
    expect(ofProjects).toMatch(/Enter\s*Open the row/)
    expect(ofProjects).not.toContain('Select the row')
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    const ofSettings = await told()
    expect(ofSettings).not.toContain('row')
    expect(ofSettings).toMatch(/G\s*then\s*P\s*Projects/)
    await page.goto('/_design')
    await page.getByRole('heading', { name: 'Design' }).waitFor()
    expect(await told()).toMatch(/X\s*Select the row/)
  })

  it('[PG22] selects rows by key and range, all that match with their number, and nothing again', async () => {
    const { page } = await world.visitor()
    await page.goto('/_design#table')
    const table = page.getByRole('table', { name: 'Files' }).first()
    const rows = table.locator('[data-row]')
    await rows.first().waitFor()
    const bar = page.getByTestId('selection-bar').first()
    await rows.nth(0).focus()
    await page.keyboard.press('x')
    await eventually(() => read(bar)).toContain('1 file selected')
    await rows
      .nth(2)
      .getByRole('checkbox')
      .click({ modifiers: ['Shift'] })
    await eventually(() => read(bar)).toContain('3 files selected')
    await bar.getByRole('button', { name: 'Select all 1,204 that match' }).click()
    await eventually(() => read(bar)).toContain('1,204 files selected')
    await rows.nth(1).getByRole('checkbox').click()
    await eventually(() => read(bar)).toContain('1,203 files selected')
    await page.keyboard.press('Escape')
    await bar.waitFor({ state: 'detached' })
  })
})
