import { answered } from './test-support/visitor.ts'
import { describeInBrowser, expect, it } from './test-support/world.ts'

describeInBrowser('an address that is none', (world) => {
  it('[PG10] shows a page that says so, and a way on', async () => {
    const visitor = await world.visitor()
    const { page } = visitor
    visitor.expectTrouble(answered(404))
    const answer = await page.goto('/nowhere/at-all')
    expect(answer?.status()).toBe(404)
    await page.getByText('There is nothing at this address').waitFor()
    await page.getByRole('link', { name: 'Go to projects' }).click()
    await page.getByRole('heading', { name: 'Projects' }).waitFor()
  })

  it('[PG10] answers programs, and questions to the API, with a problem', async () => {
    const { url, token } = world.server
    const authorization = `Bearer ${token}`
    const asked: [string, string][] = [
      ['/nowhere', 'application/json'],
      ['/nowhere', '*/*'],
      ['/api/nowhere', 'text/html'],
      ['/v1/nowhere', 'text/html'],
    ]
    for (const [path, accept] of asked) {
      const answer = await fetch(url + path, { headers: { authorization, accept } })
      const { code } = (await answer.json()) as { code: string }
      expect([answer.status, code], path).toEqual([404, 'NOT_FOUND'])
    }
  })
})
