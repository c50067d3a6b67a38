import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { WebSocket } from 'playwright-core'
import { beforeAll } from 'vitest'
import { makeMixedFiles } from '../../../bench/corpus/make-mixed-files.ts'
import { buildHarness, openHarness } from './test-support/harness-page.ts'
import { LOSS, read, type Visitor, WAIT } from './test-support/visitor.ts'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

let script = ''

/** The hook in a page of its own, and the WebSockets it opens. */
async function watch({ page }: Visitor, project: string): Promise<WebSocket[]> {
  const sockets: WebSocket[] = []
  await openHarness(page, script, { project })
  page.on('websocket', (socket) => sockets.push(socket))
  return sockets
}

async function told({ page }: Visitor) {
  return JSON.parse(await read(page.locator('#told')))
}

describeInBrowser(
  'useIngestionSocket',
  (world) => {
    beforeAll(async () => {
      script = await buildHarness('harness.tsx')
      await mkdir(join(world.server.root, 'mixed'))
      await makeMixedFiles(join(world.server.root, 'mixed'), { files: 60 })
    })

    const start = async (path = 'mixed') => {
      const { id } = await world.server.request<{ id: string }>('POST', '/api/projects', { name: path })
      await world.server.request('POST', `/api/projects/${id}/ingestions`, { path: join(world.server.root, path) })
      return id
    }

    it('[P2a] connects on mount, cleans up on unmount, and [P2b] returns what a panel needs', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const sockets = await watch(visitor, await start())
      expect(sockets).toHaveLength(0)
      await page.getByRole('button', { name: 'Mount' }).click()
      await eventually(async () => (await told(visitor)).connectionState).toBe('connected')
      expect(Object.keys(await told(visitor)).sort()).toEqual(
        ['connectionState', 'currentPhase', 'error', 'isOffline', 'metrics', 'progress', 'reconnect'].sort(),
      )
      expect(sockets.map((socket) => new URL(socket.url()).pathname)).toEqual(['/v1/ws'])
      await page.getByRole('button', { name: 'Unmount' }).click()
      await eventually(() => sockets.every((socket) => socket.isClosed()), WAIT).toBe(true)
      expect(await read(page.locator('output'))).toBe('')
    })

    it('[P2c] calls onComplete exactly once per mount, over a lost server, another rendering and another ingestion', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      const project = await start()
      await watch(visitor, project)
      await page.getByRole('button', { name: 'Mount' }).click()
      await eventually(async () => (await told(visitor)).progress.extract, WAIT).toBeGreaterThan(5)
      visitor.expectTrouble(LOSS)
      await world.server.kill9()
      await eventually(async () => (await told(visitor)).connectionState).toBe('reconnecting')
      await world.server.start()
      await eventually(async () => (await told(visitor)).connectionState, WAIT).toBe('completed')
      await eventually(() => read(page.locator('output'))).toBe('60')
      await page.getByRole('button', { name: 'Render again' }).click()
      await world.server.request('POST', `/api/projects/${project}/ingestions`, {
        path: join(world.server.root, 'mixed/part-1'),
      })
      await eventually(async () => (await told(visitor)).metrics?.filesTotal, WAIT).toBe(12)
      await eventually(async () => (await told(visitor)).connectionState, WAIT).toBe('completed')
      expect(await read(page.locator('output'))).toBe('60')

      // Another mount is told once as well, of an ingestion that had ended before.
      await page.getByRole('button', { name: 'Unmount' }).click()
      await page.getByRole('button', { name: 'Mount' }).click()
      await eventually(() => read(page.locator('output'))).toBe('60 12')
      await page.getByRole('button', { name: 'Render again' }).click()
      expect(await read(page.locator('output'))).toBe('60 12')
    })

    it('[P3c] offers a button to reconnect after ten attempts, [P3f] each with its number and its wait', async () => {
      const visitor = await world.visitor()
      const { page } = visitor
      await page.clock.install()
      await page.goto('/')
      const connection = page.getByTestId('connection')
      await eventually(() => connection.getAttribute('data-state')).toBe('connected')
      visitor.expectTrouble(LOSS)
      // From here on time passes only as it is told to.
      await page.clock.pauseAt(Date.now() + 1000)
      await world.server.kill9()
      for (let attempt = 1; attempt <= 10; attempt += 1) {
        await expect
          .poll(async () => {
            // From the third on other transports are tried as well, which takes a moment of the page's time.
            await page.clock.runFor(10)
            return read(connection)
          }, WAIT)
          .toMatch(new RegExp(`^Reconnecting, attempt ${attempt} in \\d+ s$`))
        await page.clock.fastForward(31_000)
      }
      await expect
        .poll(async () => {
          await page.clock.runFor(10)
          return page.getByTestId('reconnect').count()
        }, WAIT)
        .toBe(1)
      expect(await read(connection)).toMatch(/^Not connected\s+Reconnect$/)
      await world.server.start()
      await page.clock.resume()
      await page.getByTestId('reconnect').click()
      await eventually(() => connection.getAttribute('data-state'), WAIT).toBe('connected')
    })
  },
  { env: () => ({ INGEST_PROCESSES: '1' }) },
)
