import type { Page } from 'playwright-core'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

const ground = (page: Page) => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
const LIGHT = 'rgb(250, 251, 251)'
const DARK = 'rgb(13, 20, 19)'

describeInBrowser('theme and density', (world) => {
  it('[PG15] follows the system until somebody chooses, and shows the choice in every tab', async () => {
    const { page } = await world.visitor({ theme: 'dark' })
    const other = await page.context().newPage()
    await other.goto('/')
    await page.goto('/settings')
    expect(await ground(page)).toBe(DARK)
    await page.getByRole('radio', { name: 'Light' }).click()
    await eventually(() => ground(page)).toBe(LIGHT)
    await eventually(() => ground(other)).toBe(LIGHT)
    await other.goto('/settings')
    await other.getByRole('radio', { name: 'System' }).click()
    await eventually(() => ground(page)).toBe(DARK)
    expect(await page.getByRole('radio', { name: 'System' }).getAttribute('aria-checked')).toBe('true')
  })

  it('[PG15] has it before the first paint after a reload', async () => {
    const { page } = await world.visitor()
    await page.goto('/settings')
    await page.getByRole('radio', { name: 'Dark' }).click()
    await page.getByRole('radio', { name: 'Compact' }).click()
    // Without the page's own script nothing but what comes before the first paint is left.
    await page.route('**/assets/index-*.js', (route) => route.fulfill({ body: '', contentType: 'text/javascript' }))
    await page.reload()
    expect(await ground(page)).toBe(DARK)
    expect(await page.evaluate('document.documentElement.dataset.density')).toBe('compact')
  })

  it('[PG15] makes rows lower where they are compact, and not under a thumb', async () => {
    const { page } = await world.visitor()
    await page.goto('/_design#table')
    const row = page.locator('[data-row]').first()
    const height = () => row.evaluate((one) => one.getBoundingClientRect().height)
    await row.waitFor()
    const roomy = await height()
    await page.getByRole('radio', { name: 'Compact' }).click()
    await eventually(height).toBeLessThan(roomy - 5)
  })
})
