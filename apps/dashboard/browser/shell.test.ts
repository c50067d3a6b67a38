import type { Page } from 'playwright-core'
import { beforeAll } from 'vitest'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

/** The text of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate("document.activeElement?.innerText || document.activeElement?.getAttribute('aria-label') || ''")
}

describeInBrowser('the shell', (world) => {
  beforeAll(async () => {
    await world.server.request('POST', '/api/projects', { name: 'Keeping bees' })
  })

  it('[PG11] has the places in a rail, marks the one somebody stands in, and leaves the screen to the page', async () => {
    const { page } = await world.visitor()
    await page.getByTestId('project-row').waitFor()
    const places = page.getByRole('navigation', { name: 'Main' })
    await places.getByRole('link', { name: 'Projects' }).and(page.locator('[aria-current=page]')).waitFor()
    const top = await page.getByTestId('project-row').evaluate((row) => row.getBoundingClientRect().top)
    expect(top).toBeLessThan(200)
    const heading = await page.getByRole('heading', { level: 1 }).evaluate((one) => one.getBoundingClientRect().top)
    expect(heading).toBeLessThan(80)
    // A page of a place belongs to it.
    await page.getByTestId('project-row').click()
    await page.getByRole('heading', { name: 'Keeping bees' }).waitFor()
    expect(await places.locator('[aria-current=page]').getAttribute('aria-label')).toBe('Projects')
    await page.getByRole('navigation', { name: 'You are here' }).getByRole('link', { name: 'Projects' }).click()
    await page.getByTestId('project-row').waitFor()
  })

  it('[PG11] has them within reach of a thumb on a phone', async () => {
    const { page } = await world.visitor({ width: 380, touch: true })
    const places = page.getByRole('navigation', { name: 'Main' })
    await places.getByRole('link', { name: 'Settings' }).tap()
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    const { top, bottom } = await places.evaluate((bar) => {
      const { top, bottom } = bar.getBoundingClientRect()
      return { top, bottom }
    })
    expect([bottom, top > 680]).toEqual([760, true])
    // What stands last on the page can be scrolled clear of it.
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)')
    const last = await page.getByTestId('about').evaluate((one) => one.getBoundingClientRect().bottom)
    expect(last).toBeLessThan(top)
  })

  it('[PG12] puts the focus on the heading of another page, and its name into the tab', async () => {
    const { page } = await world.visitor()
    await page.getByTestId('project-row').click()
    await eventually(() => focused(page)).toContain('Keeping bees')
    await eventually(() => page.title()).toBe('Keeping bees · Holdfast')
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await eventually(() => focused(page)).toBe('Settings')
    expect(await page.title()).toBe('Settings · Holdfast')
    await page.goBack()
    await eventually(() => focused(page)).toContain('Keeping bees')
  })

  it('[PG12] leaves the focus to somebody who has gone on meanwhile', async () => {
    const { page } = await world.visitor()
    const gate = Promise.withResolvers<void>()
    await page.route('**/assets/settings-page-*.js', async (route) => {
      await gate.promise
      // It is asked for by whoever goes there and by the page beforehand, which may be gone by then.
      await route.continue().catch(() => {})
    })
    await page.goto('/')
    await page.getByTestId('project-row').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByTestId('open-palette').focus()
    gate.resolve()
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
    expect(await focused(page)).toContain('Go to or do')
  })

  it('[PG12] leads with its first stop past the places to the content', async () => {
    const { page } = await world.visitor()
    await page.getByTestId('project-row').waitFor()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate("document.querySelector('main').contains(document.activeElement)")).toBe(true)
  })

  it('[PG18] tells at a press how it is connected, since when and by which tab', async () => {
    const { page } = await world.visitor()
    await page.getByTestId('project-row').waitFor()
    const mark = page.getByTestId('connection').getByRole('button')
    await mark.focus()
    await page.keyboard.press('Enter')
    const details = page.getByRole('dialog', { name: 'Connection' })
    await details.getByText('Held by').waitFor()
    await page.keyboard.press('Escape')
    await details.waitFor({ state: 'detached' })
    expect(await mark.evaluate((button) => button.matches(':focus'))).toBe(true)
  })
})
