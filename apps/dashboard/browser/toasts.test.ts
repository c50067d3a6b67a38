import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

describeInBrowser('toasts', (world) => {
  const open = async () => {
    const { page } = await world.visitor()
    await page.clock.install()
    await page.goto('/_design#toasts')
    const specimen = page.locator('#toasts')
    await specimen.getByRole('button', { name: 'Done' }).first().waitFor()
    return {
      page,
      notices: page.getByTestId('notice'),
      press: (name: string) => specimen.getByRole('button', { name }).first().click(),
    }
  }

  it('[PG17] goes by itself, but not while somebody points at it', async () => {
    const { page, notices, press } = await open()
    await press('Done')
    await notices.waitFor()
    await notices.hover()
    await page.clock.fastForward(60_000)
    expect(await notices.count()).toBe(1)
    await page.mouse.move(10, 10)
    await page.clock.fastForward(6_000)
    await eventually(() => notices.count()).toBe(0)
  })

  it('[PG17] takes back what was done by its button and by a key', async () => {
    const { page, notices, press } = await open()
    await press('Remove, with undo')
    await page.getByText('Nothing here.').first().waitFor()
    await notices.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Keeping bees is here.').first().waitFor()
    await press('Remove, with undo')
    await page.getByText('Nothing here.').first().waitFor()
    await page.keyboard.press('z')
    await eventually(() => page.getByText('Keeping bees is here.').count()).toBe(2)
    expect(await notices.count()).toBe(0)
  })

  it('[PG17] keeps its clock still while the keyboard is in it', async () => {
    const { page, notices, press } = await open()
    await press('Remove, with undo')
    await notices.getByRole('button', { name: 'Undo' }).focus()
    await page.clock.fastForward(60_000)
    expect(await notices.count()).toBe(1)
    await page.keyboard.press('Enter')
    await page.getByText('Keeping bees is here.').first().waitFor()
  })

  it('[PG17] keeps what failed until it is closed, with its code and the id of the request', async () => {
    const { page, notices, press } = await open()
    await press('Error')
    await page.clock.fastForward(600_000)
    await notices.getByText('UNREACHABLE').waitFor()
    await notices.getByText('req-42').waitFor()
    expect(await page.getByRole('alert').filter({ hasText: 'It could not be tried again' }).count()).toBe(1)
    await notices.getByRole('button', { name: 'Close' }).click()
    expect(await notices.count()).toBe(0)
  })

  it('[PG17] never stands more than four deep, and lets no error go for what passes by', async () => {
    const { notices, press } = await open()
    await press('Error')
    for (let count = 0; count < 6; count += 1) await press('Done')
    await eventually(() => notices.count()).toBe(4)
    expect(await notices.first().textContent()).toContain('It could not be tried again')
  })
})
