import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'
import { answered, read, type Visitor, WAIT } from './test-support/visitor.ts'
import { describeInBrowser, eventually, expect, it } from './test-support/world.ts'

const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.close()
})

/** A server on loopback that stands where the web would; answers its origin. */
async function standIn(listener: RequestListener): Promise<string> {
  const server = createServer({ keepAliveTimeout: 1 }, listener).listen(0, '127.0.0.1')
  servers.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const html = (title: string, text: string) =>
  `<!doctype html><title>${title}</title><main><h1>${title}</h1><p>${`${text} `.repeat(12)}</p></main>`

const pages: Record<string, string> = {
  '/kelp': html('Kelp', 'Bull kelp grows half a metre in a day.'),
  '/rock': html('Rock', 'A holdfast keeps its rock through every gale.'),
}

let site = ''
let archive: Buffer = Buffer.alloc(0)

/** What GitHub sends of a repository: one folder in a packed tar. */
async function packRepository(folder: string): Promise<Buffer> {
  const name = 'octo-docs-0123abc'
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'README.md'), '# Docs\n\nThe octopus writes with its own ink.\n')
  const { stdout } = await promisify(execFile)('tar', ['-czf', '-', name], { cwd: folder, encoding: 'buffer' })
  return stdout
}

async function environment(): Promise<Record<string, string>> {
  site = await standIn((request, response) => {
    const page = pages[request.url ?? '']
    if (page) return response.setHeader('content-type', 'text/html').end(page)
    if (request.url !== '/sitemap.xml') return response.writeHead(404).end()
    const list = Object.keys(pages).map((path) => `<url><loc>${site}${path}</loc></url>`)
    const xml = `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${list.join('')}</urlset>`
    response.setHeader('content-type', 'application/xml').end(xml)
  })
  const github = await standIn((request, response) => {
    if (!/^\/repos\/octo\/docs\/tarball/.test(request.url ?? '')) return response.writeHead(404).end()
    response.setHeader('content-type', 'application/x-gzip').end(archive)
  })
  return { INGEST_PRIVATE_NETWORKS: '127.0.0.0/8', GITHUB_BASE_URL: github }
}

type Kind = 'Server folder' | 'URL' | 'Sitemap' | 'GitHub'

/** Fills in the form of a source on a project's page and waits for the end. */
async function ingest({ page }: Visitor, kind: Kind, testId: string, value: string, verb: string): Promise<void> {
  await page.getByTestId('add-documents').click()
  await page.getByRole('radio', { name: kind }).click()
  await page.getByTestId(testId).fill(value)
  await page.getByRole('button', { name: verb }).click()
  await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
}

async function finds({ page }: Visitor, text: string, where: RegExp): Promise<void> {
  await page.getByRole('tab', { name: 'Search' }).click()
  await page.getByTestId('search').fill(text)
  await eventually(() => read(page.getByTestId('search-hit').first())).toMatch(where)
}

describeInBrowser(
  'documents from elsewhere',
  (world) => {
    it('[P9b] a folder of the server comes in by its path, chosen from the allowed ones', async () => {
      await writeFile(join(world.server.root, 'note.md'), '# Note\n\nThe eider broods on the skerry.\n')
      const visitor = await world.visitor()
      const { page } = visitor
      await visitor.openNewProject('By path')
      await page.getByTestId('add-documents').click()
      await page.getByRole('radio', { name: 'Server folder' }).click()
      await page.getByTestId('source-path').fill('/etc')
      visitor.expectTrouble(answered(403))
      await page.getByRole('button', { name: 'Ingest folder' }).click()
      await page.getByTestId('failure').waitFor()
      await page.getByRole('button', { name: world.server.root }).click()
      await page.getByRole('button', { name: 'Ingest folder' }).click()
      await page.getByTestId('end-done').waitFor({ timeout: WAIT.timeout })
      await finds(visitor, 'eider', /note\.md\s+lines? \d/)
    })

    it('[P9b] a page comes in by its URL', async () => {
      const visitor = await world.visitor()
      await visitor.openNewProject('By URL')
      await ingest(visitor, 'URL', 'source-url', `${site}/kelp`, 'Ingest URL')
      expect((await visitor.counts()).done).toBe(1)
      await finds(visitor, 'bull kelp', /kelp/)
    })

    it('[P9b] the pages of a sitemap come in', async () => {
      const visitor = await world.visitor()
      await visitor.openNewProject('By sitemap')
      await ingest(visitor, 'Sitemap', 'source-sitemap', `${site}/sitemap.xml`, 'Ingest sitemap')
      expect((await visitor.counts()).done).toBe(2)
      await finds(visitor, 'gale', /rock/)
    })

    it('[P9b] a repository comes in by its owner and name', async () => {
      archive = await packRepository(world.server.root)
      const visitor = await world.visitor()
      await visitor.openNewProject('By repository')
      await ingest(visitor, 'GitHub', 'source-repository', 'octo/docs', 'Ingest repository')
      expect((await visitor.counts()).done).toBe(1)
      await finds(visitor, 'octopus', /README\.md/)
    })
  },
  { env: environment },
)
