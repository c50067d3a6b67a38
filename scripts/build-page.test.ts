import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensurePageBuilt } from './build-page.ts'

let root: string
const dashboard = (...path: string[]) => join(root, 'apps/dashboard', ...path)
const assets = () => readdir(dashboard('dist/assets'))

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-page-'))
  await mkdir(dashboard('src'), { recursive: true })
  await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(root, 'node_modules'))
  await writeFile(dashboard('index.html'), '<script type="module" src="/src/main.ts"></script>')
  await writeFile(dashboard('vite.config.ts'), 'export default { root: import.meta.dirname }')
  await writeFile(dashboard('src/main.ts'), 'document.title = "one"')
})

afterEach(() => rm(root, { recursive: true, force: true }))

describe('building the page', () => {
  it('[PG1] builds once, and again only when a source changed', async () => {
    const lines: string[] = []
    const build = () => ensurePageBuilt({ root, onProgress: (line) => lines.push(line) })
    expect(await build()).toMatchObject({ folder: dashboard('dist'), wasBuilt: true })
    expect(lines).toHaveLength(2)
    expect((await build()).wasBuilt).toBe(false)
    expect(lines).toHaveLength(2)
    await writeFile(dashboard('src/other.ts'), 'export {}')
    expect((await build()).wasBuilt).toBe(true)
  })

  it('[PG1] is built once, however many servers start at the same time', async () => {
    const builds = await Promise.all([ensurePageBuilt({ root }), ensurePageBuilt({ root }), ensurePageBuilt({ root })])
    expect(builds.filter(({ wasBuilt }) => wasBuilt)).toHaveLength(1)
    expect(existsSync(dashboard('dist.lock'))).toBe(false)
  })

  it('[PG1] does not wait for a builder that died', async () => {
    const dead = spawnSync(process.execPath, ['--version'])
    await writeFile(dashboard('dist.lock'), String(dead.pid))
    expect((await ensurePageBuilt({ root })).wasBuilt).toBe(true)
  })

  it('[PG3] keeps the assets of the page before, for those who have it open', async () => {
    await ensurePageBuilt({ root })
    const [first = ''] = await assets()
    await writeFile(dashboard('src/main.ts'), 'document.title = "another"')
    await ensurePageBuilt({ root })
    expect(await assets()).toHaveLength(2)
    expect(await assets()).toContain(first)
    expect(await readFile(dashboard('dist/index.html'), 'utf8')).not.toContain(first)
  })

  it('[PG2] leaves the old page in its place when the new one cannot be built', async () => {
    await ensurePageBuilt({ root })
    const before = await readFile(dashboard('dist/index.html'), 'utf8')
    await writeFile(dashboard('src/main.ts'), 'import "./missing.ts"')
    await expect(ensurePageBuilt({ root })).rejects.toThrow(/missing\.ts/)
    expect(await readFile(dashboard('dist/index.html'), 'utf8')).toBe(before)
    expect((await readdir(dashboard())).filter((name) => name.startsWith('dist.'))).toEqual([])
    expect(existsSync(dashboard('dist/.build-stamp'))).toBe(true)
  })
})
