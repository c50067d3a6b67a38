import { answered, read } from './test-support/visitor.ts'
import { describeInBrowser, expect, it } from './test-support/world.ts'

describeInBrowser('signing in', (world) => {
  it('[PG4] signs in by the operator’s link, and takes the token out of the address', async () => {
    const { page } = await world.visitor()
    await page.getByRole('heading', { name: 'Projects' }).waitFor()
    expect(page.url()).toBe(`${world.server.url}/`)
    await page.reload()
    await page.getByTestId('drop-zone').waitFor()
  })

  it('[PG4] says how to sign in to whoever comes without the link, and takes a pasted link or token', async () => {
    const visitor = await world.visitor({ signedIn: false })
    const { page } = visitor
    visitor.expectTrouble(answered(401))
    await page.goto('/')
    const signIn = page.getByTestId('sign-in')
    await signIn.waitFor()
    expect(await read(signIn)).toContain('Open the link that the server printed in its terminal')
    await page.getByLabel('paste the link').fill('a-token-of-another-server')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('That token is not the one of this server.').waitFor()
    await page.getByLabel('paste the link').fill(`${world.server.url}/login?token=${world.server.token}`)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Projects' }).waitFor()
  })
})
