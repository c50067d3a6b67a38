import { join } from 'node:path'
import { beforeEach } from 'vitest'
import { makeMixedFiles } from '../../../bench/corpus/make-mixed-files.ts'
import { becomes, describeBehindProxy, endsRight, FAULTS } from './test-support/behind-proxy.ts'
import { ServerProcess } from './test-support/server.ts'
import { expect, it } from './test-support/world.ts'

const start = () => ServerProcess.start({ INGEST_PROCESSES: '1' })

describeBehindProxy('a page whose server goes', start, (world) => {
  beforeEach(() => world.server.proxy.pass())

  /** Somebody who watches an ingestion of many mixed files, in the middle of it. */
  async function watch(name: string) {
    const visitor = await world.visitor()
    visitor.expectTrouble(FAULTS)
    const path = join(world.server.inner.root, name)
    await makeMixedFiles(path, { files: 150, seed: name })
    const projectId = await visitor.openNewProject(name)
    await world.server.request('POST', `/api/projects/${projectId}/ingestions`, { path })
    await visitor.reaches('extract', 5)
    return { visitor, page: visitor.page, projectId }
  }

  for (const [how, end] of [
    ['killed', (server: ServerProcess) => server.kill9()],
    ['stopped', (server: ServerProcess) => server.stop()],
  ] as const) {
    it(`[PG30] is right again after its process was ${how} in the middle of the work, and started anew`, async () => {
      const { visitor, page, projectId } = await watch(how)
      const { inner, proxy } = world.server
      await end(inner)
      await becomes(page, 'reconnecting')
      // A proxy answers in the place of a server that is away.
      await expect.poll(() => proxy.requests.at(-1)?.status, { timeout: 10_000 }).toBe(502)
      await inner.start()
      await endsRight(visitor, world.server, projectId)
      expect(await page.getByTestId('sign-in').count()).toBe(0)
    })
  }

  it('[PG41] leads to its places while its server is away, which were loaded when there was nothing else to do', async () => {
    const visitor = await world.visitor()
    visitor.expectTrouble(FAULTS)
    const { page } = visitor
    const { id } = await world.server.request<{ id: string }>('POST', '/api/projects', { name: 'Away' })
    const parts = ['settings-page', 'notification-settings', 'project-page'].map((part) =>
      page.waitForResponse((response) => response.url().includes(`/assets/${part}-`) && response.url().endsWith('.js')),
    )
    await page.goto('/')
    for (const part of parts) await (await part).finished()
    await world.server.inner.kill9()
    await becomes(page, 'reconnecting')
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await page.goBack()
    await page.locator(`a[href="/projects/${id}"]`).first().click()
    await page.getByText('This project could not be read').waitFor()
    await world.server.inner.start()
    await page.getByRole('button', { name: 'Try again' }).first().click()
    await page.getByRole('heading', { name: 'Away' }).waitFor()
  })
})
