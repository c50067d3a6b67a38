import { answered, read } from './test-support/visitor.ts'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

describeInBrowser('settings and the session', (world) => {
  it('[PG19] tells the version, since when it runs and whether all is well', async () => {
    const { page } = await world.visitor()
    await page.goto('/settings')
    const about = page.getByTestId('about')
    await about.getByText('Well').first().waitFor()
    const text = await read(about)
    expect(text).toMatch(/Version\s+\d+\.\d+\.\d+/)
    expect(text).toMatch(/Up for\s+(less than 1 s|\d+ s|\d+ m \d\d s)/)
    expect(text).toMatch(/database/i)
  })

  it('[PG19] signs this browser out and no other', async () => {
    const visitor = await world.visitor()
    const other = await world.visitor()
    visitor.expectTrouble(answered(401))
    await visitor.page.goto('/settings')
    await visitor.page.getByTestId('sign-out').click()
    await visitor.page.getByTestId('sign-in').waitFor()
    await other.page.goto('/settings')
    await other.page.getByText('Signed in as operator').waitFor()
  })

  it('[PG20] tells who was signed out elsewhere so, and leads back after signing in', async () => {
    const visitor = await world.visitor()
    const other = await world.visitor()
    for (const one of [visitor, other]) one.expectTrouble(answered(401))
    other.expectTrouble(/WebSocket/)
    await other.page.goto('/settings')
    await other.page.getByText('Signed in as operator').waitFor()
    await visitor.page.goto('/settings')
    await visitor.page.getByTestId('sign-out-everywhere').click()
    await visitor.page.getByTestId('confirm-sign-out-everywhere').click()
    await visitor.page.getByTestId('sign-in').waitFor()
    // The next thing it asks for tells it, if the connection has not.
    await other.page.keyboard.press('g')
    await other.page.keyboard.press('p')
    await other.page.getByText('You were signed out').waitFor()
    await other.page.goto('/settings?from=a-link')
    await other.page.getByLabel('paste the link').fill(world.server.token)
    await other.page.keyboard.press('Enter')
    await other.page.getByRole('heading', { name: 'Settings' }).waitFor()
    expect(new URL(other.page.url()).search).toBe('?from=a-link')
  })

  it('[PG21] says when a newer page is served', async () => {
    const { page } = await world.visitor()
    await page.clock.install()
    await page.goto('/settings')
    await page.getByTestId('about').waitFor()
    const html = '<script type="module" crossorigin src="/assets/index-of-another-build.js"></script>'
    await page.route(
      (url) => url.pathname === '/',
      (route) => route.fulfill({ body: html, contentType: 'text/html' }),
    )
    // It comes into view again after a while.
    await page.clock.fastForward(16 * 60_000)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.getByText('A newer version of this page is there.').waitFor()
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Reload' }).click()
    await page.getByText('A newer version of this page is there.').waitFor({ state: 'detached' })
  })

  it('[PG21] reloads once for a part that is gone, and says so if it stays gone', async () => {
    const visitor = await world.visitor()
    const { page } = visitor
    visitor.expectTrouble(/ERR_FAILED|dynamically imported|preload/)
    await page.route('**/assets/settings-page-*.js', (route) => route.abort())
    await page.goto('/')
    await page.getByTestId('drop-zone').waitFor()
    await page.waitForLoadState('load')
    let loads = 0
    page.on('load', () => {
      loads += 1
    })
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await eventually(() => loads).toBe(1)
    await page.getByText('This page could not be shown').waitFor()
    await page.waitForLoadState('networkidle')
    expect(loads).toBe(1)
    await page.unrouteAll()
    await page.reload()
    await eventually(() => page.getByRole('heading', { name: 'Settings' }).count()).toBe(1)
  })
})
