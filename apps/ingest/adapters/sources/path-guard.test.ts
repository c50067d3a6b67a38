import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTestWorld, fetchInto, type TestWorld } from './fixtures.ts'

let world: TestWorld
beforeEach(async () => {
  world = await createTestWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const validate = (name: string) => world.sources().validate({ kind: 'path', path: name })
const at = (name: string) => path.join(world.root, name)

it('[P9b] takes a folder or file under an allowed root, by its real path', async () => {
  await world.write({ 'docs/a.md': '' })
  await symlink(at('docs'), at('link'))
  await symlink(world.root, path.join(world.folder, 'alias'))
  expect(await validate(world.root)).toEqual({ kind: 'path', path: world.root })
  expect(await validate(at('link'))).toEqual({ kind: 'path', path: at('docs') })
  expect(await validate(at('docs/../docs/a.md'))).toEqual({ kind: 'path', path: at('docs/a.md') })
  expect(await validate(path.join(world.folder, 'alias/docs'))).toEqual({ kind: 'path', path: at('docs') })
})

it('[P9b] refuses a path that is not absolute, or no path at all', async () => {
  for (const name of ['docs', './docs', '', '../etc', `${world.root}/a\0b`]) {
    await expect(validate(name)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  }
})

it('[P9b] refuses what lies outside the roots, however it is written, and does not tell whether it exists', async () => {
  await mkdir(path.join(world.folder, 'root-2'))
  await symlink('/etc', at('etc'))
  const names = [
    '/etc/passwd',
    '/',
    at('..'),
    at('../root-2'),
    at('etc'),
    at('etc/passwd'),
    '/no/such/folder',
    at('../none'),
  ]
  for (const name of names) await expect(validate(name), name).rejects.toMatchObject({ code: 'PATH_NOT_ALLOWED' })
})

it('[P9b] refuses dot folders and dot files below a root, and DATA_DIR', async () => {
  await world.write({ '.git/config': '', '.env': '', 'a/.b/c.md': '', 'data/x/a.md': '' })
  await symlink(at('.git'), at('plain'))
  for (const name of ['.git', '.git/config', '.env', 'a/.b/c.md', 'plain', '.none/x']) {
    await expect(validate(at(name)), name).rejects.toMatchObject({ code: 'PATH_NOT_ALLOWED' })
  }
  const sources = world.sources({ dataDir: at('data') })
  for (const name of ['data', 'data/x/a.md']) {
    await expect(sources.validate({ kind: 'path', path: at(name) })).rejects.toMatchObject({ code: 'PATH_NOT_ALLOWED' })
  }
})

it('[P9b] a root may have a dot in its own path', async () => {
  await world.write({ '.notes/a.md': '' })
  const sources = world.sources({ roots: [at('.notes')] })
  expect(await sources.validate({ kind: 'path', path: at('.notes/a.md') })).toBeTruthy()
})

it('[P9b] says so where there is nothing, and refuses what is neither file nor folder', async () => {
  await expect(validate(at('none'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  execFileSync('mkfifo', [at('pipe')])
  await expect(validate(at('pipe'))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
})

it('[P9b] checks the path again when the work begins', async () => {
  const sources = world.sources()
  await writeFile(path.join(world.folder, 'secret'), '')
  await symlink(path.join(world.folder, 'secret'), at('later.md'))
  const fetched = fetchInto(sources, { kind: 'path', path: at('later.md') }, world.workDir)
  await expect(fetched).rejects.toMatchObject({ code: 'PATH_NOT_ALLOWED' })
})

it('[P9b] discarding a path or fetching it touches nothing of it', async () => {
  await world.write({ 'docs/a.md': '' })
  const sources = world.sources()
  const source = { kind: 'path' as const, path: at('docs') }
  expect(await fetchInto(sources, source, world.workDir)).toEqual({ root: at('docs'), rejected: [] })
  await sources.discard(source, world.workDir)
  expect(await validate(at('docs/a.md'))).toBeTruthy()
})
