import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collect, createTestWorld, listing, never, type TestWorld } from './fixtures.ts'

let world: TestWorld
beforeEach(async () => {
  world = await createTestWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const walked = async (root = world.root) => listing(world.sources().walk(root, never))

describe('what a walk finds', () => {
  it('[P9b] finds the files of a folder in byte order of their paths', async () => {
    await world.write({
      'a/b.md': '',
      'a.md': '',
      'a-b/c.md': '',
      'Z.md': '',
      'ä.md': '',
      'a/🎈.md': '',
      'a/\uFF5E.md': '',
    })
    const paths = await walked()
    expect(paths).toEqual(['Z.md', 'a-b/c.md', 'a.md', 'a/b.md', 'a/\uFF5E.md', 'a/🎈.md', 'ä.md'])
    expect(paths).toEqual([...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  })

  it('[P9b] tells size, time and where to open each file', async () => {
    await world.write({ 'docs/a.md': 'hello' })
    const [file] = await collect(world.sources().walk(world.root, never))
    expect(file).toMatchObject({ path: 'docs/a.md', absolutePath: path.join(world.root, 'docs/a.md'), size: 5 })
    expect(file && 'modifiedAt' in file && Date.now() - file.modifiedAt).toBeLessThan(60_000)
  })

  it('[P9b] finds a single file alone', async () => {
    await world.write({ 'a.md': '', 'b.md': '' })
    expect(await walked(path.join(world.root, 'b.md'))).toEqual(['b.md'])
  })

  it('[P9b] leaves out dot files, dot folders and .git, and keeps node_modules nothing ignores', async () => {
    await world.write({ '.env': '', '.git/config': '', '.config/a.md': '', 'node_modules/x/a.js': '', 'a.md': '' })
    expect(await walked()).toEqual(['a.md', 'node_modules/x/a.js'])
  })

  it('[P9b] leaves out DATA_DIR where it lies inside the folder', async () => {
    await world.write({ 'a.md': '', 'data/uploads/1/files/b.md': '' })
    const sources = world.sources({ dataDir: path.join(world.root, 'data') })
    expect(await listing(sources.walk(world.root, never))).toEqual(['a.md'])
  })

  it('[P9b] walks what lies in DATA_DIR when that is the root, whatever a .gitignore above says', async () => {
    await world.write({ '.git/HEAD': '', '.gitignore': 'data\n', 'data/uploads/1/files/b.md': '' })
    const sources = world.sources({ dataDir: path.join(world.root, 'data') })
    expect(await listing(sources.walk(path.join(world.root, 'data/uploads/1/files'), never))).toEqual(['b.md'])
  })

  it('[P9b] ends with the reason of the signal, at once and in the middle', async () => {
    await world.write(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n}.md`, ''])))
    const controller = new AbortController()
    const files = world.sources().walk(world.root, controller.signal)[Symbol.asyncIterator]()
    await files.next()
    controller.abort(new Error('enough'))
    await expect(files.next()).rejects.toThrow('enough')
    await expect(listing(world.sources().walk(world.root, controller.signal))).rejects.toThrow('enough')
  })

  it('[P9b] throws where there is no root, and where it leads elsewhere by now', async () => {
    await expect(walked(path.join(world.root, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const secret = path.join(world.folder, 'secret')
    await mkdir(secret)
    await symlink(secret, path.join(world.root, 'swapped'))
    await expect(walked(path.join(world.root, 'swapped'))).rejects.toMatchObject({ code: 'PATH_NOT_ALLOWED' })
  })
})

describe('what a walk rejects', () => {
  it('[P9e] follows links to files inside, and says of every other why not', async () => {
    await world.write({ 'docs/a.md': 'text', 'docs/deep/': '', '.secret': 'x', 'z/': '' })
    await writeFile(path.join(world.folder, 'outside.md'), '')
    const link = (target: string, name: string) => symlink(target, path.join(world.root, name))
    await link('docs/a.md', 'inside.md')
    await link('../outside.md', 'outside.md')
    await link('..', 'docs/up')
    await link('../..', 'docs/deep/top')
    await link('self', 'self')
    await link('nowhere', 'broken')
    await link('../docs', 'z/elsewhere')
    await link('.secret', 'hidden.md')
    const files = await collect(world.sources().walk(world.root, never))
    expect(await walked()).toEqual([
      'broken UNREADABLE',
      'docs/a.md',
      'docs/deep/top LINK_CYCLE',
      'docs/up LINK_CYCLE',
      'inside.md',
      'outside.md LINK_OUTSIDE',
      'self LINK_CYCLE',
      'z/elsewhere SPECIAL_FILE',
    ])
    expect(files.find((file) => file.path === 'inside.md')).toMatchObject({
      absolutePath: path.join(world.root, 'docs/a.md'),
      size: 4,
    })
  })

  it.skipIf(process.platform === 'win32')('[P9e] rejects pipes without opening them', async () => {
    execFileSync('mkfifo', [path.join(world.root, 'pipe'), path.join(world.root, '.gitignore')])
    expect(await walked()).toEqual(['pipe SPECIAL_FILE'])
  })

  it.skipIf(process.platform !== 'linux')('[P9e] shows names that are not UTF-8, and goes on', async () => {
    writeFileSync(Buffer.from(`${world.root}/caf\xe9.md`, 'latin1'), '')
    mkdirSync(Buffer.from(`${world.root}/d\xff`, 'latin1'))
    await world.write({ 'z.md': '' })
    expect(await walked()).toEqual(['caf\\xE9.md UNREADABLE', 'd\\xFF UNREADABLE', 'z.md'])
  })

  it.skipIf(process.platform === 'win32')('[P9e] rejects what the server may not read, and goes on', async () => {
    await world.write({ 'locked.md': 'x', 'folder/a.md': 'x', 'open.md': 'x' })
    await chmod(path.join(world.root, 'locked.md'), 0)
    await chmod(path.join(world.root, 'folder'), 0)
    await chmod(world.folder, 0o755)
    // Nothing is locked for root, so the test is somebody else for a moment.
    const isRoot = process.geteuid?.() === 0
    if (isRoot) process.seteuid?.(65534)
    const found = await walked().finally(() => isRoot && process.seteuid?.(0))
    expect(found).toEqual(['folder UNREADABLE', 'locked.md UNREADABLE', 'open.md'])
    await chmod(path.join(world.root, 'folder'), 0o755)
  })

  it('[P9e] rejects a folder too deep to be anything but a trap', async () => {
    await world.write({ [`${'d/'.repeat(140)}a.md`]: '', 'z.md': '' })
    const paths = await walked()
    expect(paths).toEqual([`${'d/'.repeat(127)}d UNREADABLE`, 'z.md'])
  })

  it('[P9e] reports files that go while the walk is on its way', async () => {
    await world.write(Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`${100 + n}.md`, ''])))
    await world.write({ 'y/a.md': '', 'z/a.md': '' })
    const found: string[] = []
    for await (const file of world.sources().walk(world.root, never)) {
      if (found.length === 0) {
        await rm(path.join(world.root, '163.md'))
        await rm(path.join(world.root, 'y'), { recursive: true })
        await rename(path.join(world.root, 'z'), path.join(world.folder, 'moved'))
        await symlink(path.join(world.folder, 'moved'), path.join(world.root, 'z'))
      }
      found.push('rejected' in file ? `${file.path} ${file.rejected}` : file.path)
    }
    expect(found.slice(-3)).toEqual(['163.md VANISHED', 'y VANISHED', 'z LINK_OUTSIDE'])
  })
})

describe('.gitignore', () => {
  it('[P9b] leaves out exactly what git leaves out', async () => {
    await world.write({
      '.gitignore':
        '*.log\n!keep.log\nbuild/\n/only-top.md\ndocs/**/draft-*\n# comment\n\\#literal\ntrail \n[ab]?.txt\nCase.md\n',
      'a.log': '',
      'keep.log': '',
      'only-top.md': '',
      'sub/only-top.md': '',
      '#literal': '',
      trail: '',
      'a1.txt': '',
      'c1.txt': '',
      'case.md': '',
      'build/x.md': '',
      'sub/build/x.md': '',
      'build.md': '',
      'sub/a.log': '',
      'docs/x/y/draft-1.md': '',
      'docs/draft-2.md': '',
      'docs/final.md': '',
      // Deeper files decide before those above, and take whole folders back in.
      'pkg/.gitignore': '!build/\n!*.log\n/local.md\n',
      'pkg/build/y.md': '',
      'pkg/build/n.log': '',
      'pkg/local.md': '',
      'pkg/deep/local.md': '',
      'pkg/deep/.gitignore': '*.log\n',
      'pkg/deep/m.log': '',
      'pkg/deep/keep.log': '',
      'other/.gitignore': '!build/\n',
      'other/build/p.log': '',
      'other/build/p.md': '',
      'other/build/inner/build/q.md': '',
      'all/.gitignore': '*\n!*/\n!*.md\n',
      'all/a.md': '',
      'all/a.txt': '',
      'all/in/b.md': '',
      'all/in/b.txt': '',
      'dir-only/.gitignore': 'name/\n',
      'dir-only/name': '',
      'dir-only/in/name/x.md': '',
    })
    const git = (...args: string[]) => execFileSync('git', ['-C', world.root, '-c', 'core.excludesFile=', ...args])
    git('init', '-q')
    const shown = git('ls-files', '-z', '-o', '--exclude-standard').toString().split('\0').filter(Boolean)
    const expected = shown.filter((name) => !/(?:^|\/)\./.test(name)).sort()
    expect(await walked()).toEqual(expected)
    expect(expected).toContain('pkg/build/n.log')
    expect(expected).not.toContain('other/build/p.log')
  })

  it('[P9b] counts from the top of the work tree, and not for a folder that is named although ignored', async () => {
    await world.write({ '.git/HEAD': '', '.gitignore': 'node_modules\n/shop/dist\n', 'shop/a.md': '' })
    await world.write({ 'shop/node_modules/b.md': '', 'shop/dist/c.md': '', 'shop/dist/node_modules/d.md': '' })
    expect(await walked(path.join(world.root, 'shop'))).toEqual(['a.md'])
    expect(await walked(path.join(world.root, 'shop/dist'))).toEqual(['c.md', 'node_modules/d.md'])
  })

  it('[P9b] reads no .gitignore from outside the allowed roots', async () => {
    await writeFile(path.join(world.folder, '.gitignore'), '*.md\n')
    await mkdir(path.join(world.folder, '.git'))
    await world.write({ 'docs/a.md': '' })
    expect(await walked(path.join(world.root, 'docs'))).toEqual(['a.md'])
  })

  it('[P9e] is not held up by patterns made to take for ever', async () => {
    const hostile = [
      '**/a/**/a/**/a/**/a/**/b',
      `${'*a'.repeat(400)}b`,
      '[',
      '\\',
      '***/*'.repeat(200),
      '*'.repeat(900),
    ]
    await world.write({ '.gitignore': [...hostile, '*.log'].join('\n'), [`${'a/'.repeat(100)}${'a'.repeat(250)}`]: '' })
    await world.write({ 'a.log': '' })
    const start = performance.now()
    await walked()
    expect(performance.now() - start).toBeLessThan(2_000)
  })
})

it('[P9b] holds one folder at a time, however many files there are', async () => {
  for (let folder = 0; folder < 40; folder++) {
    mkdirSync(path.join(world.root, `folder-${folder}`))
    for (let n = 0; n < 250; n++) writeFileSync(path.join(world.root, `folder-${folder}`, `${n}.md`), '')
  }
  await world.write({ '.gitignore': '*.log\n' })
  let opened = 0
  for await (const _ of world.sources().walk(world.root, never)) {
    opened++
    // What has been read ahead shows in what still turns up: the last folder is listed when its turn has come.
    if (opened === 1)
      for (const name of await readdir(path.join(world.root, 'folder-9'))) {
        await rm(path.join(world.root, 'folder-9', name))
      }
  }
  expect(opened).toBe(39 * 250)
})
