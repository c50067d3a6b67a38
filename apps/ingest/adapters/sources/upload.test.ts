import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestWorld, fetchInto, listing, never, type TestWorld } from './fixtures.ts'
import type { SourceLimits } from './options.ts'
import { writeStream } from './storage.ts'

let world: TestWorld
beforeEach(async () => {
  world = await createTestWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const source = { kind: 'upload' as const, uploadId: 'u1', files: 1 }
const text = (content: string) => Readable.from([Buffer.from(content)])
const openUpload = (limits: Partial<SourceLimits> = {}) => world.sources({ limits }).openUpload('u1')
const stored = async () => (await readdir(path.join(world.dataDir, 'uploads/u1/files'), { recursive: true })).sort()

async function walked(): Promise<string[]> {
  const sources = world.sources()
  const { root } = await fetchInto(sources, await sources.validate(source), world.workDir)
  return listing(sources.walk(root, never))
}

describe('an upload', () => {
  it('[P9b] is there with its folders once it is committed, and not before', async () => {
    const sources = world.sources()
    const upload = await sources.openUpload('u1')
    await upload.add('docs/guide/a.md', text('hello'))
    await upload.add('b.md', text(''))
    expect(upload.files).toBe(2)
    await expect(sources.validate(source)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await upload.commit()
    expect(await walked()).toEqual(['b.md', 'docs/guide/a.md'])
    expect(await readFile(path.join(world.dataDir, 'uploads/u1/files/docs/guide/a.md'), 'utf8')).toBe('hello')
    await expect(upload.add('c.md', text(''))).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(sources.openUpload('u1')).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('[P9b] is gone once it is discarded, open or committed', async () => {
    const sources = world.sources()
    const upload = await sources.openUpload('u1')
    await upload.add('a.md', text('x'))
    await upload.discard()
    expect(existsSync(path.join(world.dataDir, 'uploads/u1'))).toBe(false)
    const again = await sources.openUpload('u1')
    await again.add('a.md', text('x'))
    await again.commit()
    await sources.discard(source, world.workDir)
    await expect(sources.validate(source)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await readdir(path.join(world.dataDir, 'uploads'))).toEqual([])
  })

  it('[P9i] replaces what a crash left of an upload, and refuses to receive one twice at a time', async () => {
    const crashed = await world.sources().openUpload('u1')
    await crashed.add('old.md', text('x'))
    const sources = world.sources()
    const upload = await sources.openUpload('u1')
    await expect(sources.openUpload('u1')).rejects.toMatchObject({ code: 'CONFLICT' })
    await upload.add('new.md', text('x'))
    await upload.commit()
    expect(await walked()).toEqual(['new.md'])
  })

  it('[P9b] leaves out dot files as the walk does, and follows the rules of an uploaded .gitignore', async () => {
    const upload = await openUpload()
    await upload.add('.git/config', text('x'))
    await upload.add('docs/.env', text('x'))
    await upload.add('.git/.gitignore', text('x'))
    await upload.add('docs/.gitignore', text('*.log\n'))
    await upload.add('docs/a.log', text('x'))
    await upload.add('docs/a.md', text('x'))
    expect(upload.files).toBe(2)
    await upload.commit()
    expect(await stored()).toEqual(['docs', 'docs/.gitignore', 'docs/a.log', 'docs/a.md'])
    expect(await walked()).toEqual(['docs/a.md'])
  })

  it('[P9b] takes only ids that are names of folders', async () => {
    for (const id of ['', '..', 'a/b', '.x', 'a'.repeat(200), 'a\0', 'CON:']) {
      await expect(world.sources().openUpload(id), id).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
  })
})

describe('names of uploaded files', () => {
  it('[P9b] refuses names that lead out, are absolute, too long or no names', async () => {
    const upload = await openUpload()
    const names = [
      '../a.md',
      'a/../../b.md',
      'a\\..\\..\\b.md',
      '..',
      '/etc/passwd',
      '\\\\host\\share\\a',
      'C:\\a.md',
      'c:a.md',
      'a\0.md',
      'a\nb.md',
      'a\u009b.md',
      '',
      '.',
      './',
      'docs/',
      'a'.repeat(256),
      `${'ä'.repeat(128)}`,
      `${'ab/'.repeat(2000)}x`,
      '\ud800',
    ]
    for (const name of names) {
      const content = text('x')
      await expect(upload.add(name, content), name).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      expect(content.destroyed).toBe(true)
    }
    expect(upload.files).toBe(0)
    expect(await stored()).toEqual([])
    expect(await readdir(world.folder)).toEqual(['data', 'root'])
  })

  it('[P9b] makes one portable form of every other name', async () => {
    const upload = await openUpload()
    for (const name of ['docs\\a.md', './b//c.md', 'aux.txt', 'x/CON', 'end.', 'cafe\u0301.md', 'a..b.md', '…']) {
      await upload.add(name, text('x'))
    }
    expect((await stored()).filter((name) => name !== 'docs' && name !== 'b' && name !== 'x')).toEqual(
      ['_aux.txt', 'a..b.md', 'b/c.md', 'caf\u00e9.md', 'docs/a.md', 'end_', 'x/_CON', '…'].sort(),
    )
  })

  it('[P9b] numbers names that come twice, in whichever Unicode form', async () => {
    const upload = await openUpload()
    for (const name of ['a.tar.gz', 'a.tar.gz', 'caf\u00e9', 'cafe\u0301', 'd/e']) await upload.add(name, text(name))
    expect(await stored()).toEqual(['a.tar (2).gz', 'a.tar.gz', 'caf\u00e9', 'caf\u00e9 (2)', 'd', 'd/e'])
    await expect(upload.add('d', text(''))).resolves.toBeUndefined()
    await expect(upload.add('d/e/f', text(''))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('caps and faults of an upload', () => {
  it('[P9b] refuses a file over the cap and keeps nothing of it, and goes on', async () => {
    const upload = await openUpload({ maxFileBytes: 1_000 })
    let sent = 0
    const endless = Readable.from(
      (function* () {
        for (;;) {
          sent += 100
          yield Buffer.alloc(100)
        }
      })(),
    )
    await expect(upload.add('big.bin', endless)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(sent).toBeLessThan(10_000)
    await upload.add('fits.bin', Readable.from([Buffer.alloc(1_000)]))
    expect(await stored()).toEqual(['fits.bin'])
  })

  it('[P9b] refuses more files and more bytes than an upload may have', async () => {
    const upload = await openUpload({ maxFiles: 2, maxTotalBytes: 10 })
    await upload.add('a', text('12345678'))
    await expect(upload.add('b', text('123'))).rejects.toThrow('An upload may be at most 10 bytes.')
    await upload.add('b', text('12'))
    await expect(upload.add('c', text(''))).rejects.toThrow('at most 2 files')
    expect(await stored()).toEqual(['a', 'b'])
  })

  it('[P9b] keeps nothing of a file whose sender goes away', async () => {
    const upload = await openUpload()
    const content = new Readable({ read() {} })
    content.push('the first half')
    const adding = upload.add('a.md', content)
    setImmediate(() => content.destroy())
    await expect(adding).rejects.toThrow()
    expect(await stored()).toEqual([])
    expect(upload.files).toBe(0)
  })

  it('[P9b] streams: what it holds does not grow with the file', async () => {
    const upload = await openUpload()
    const chunk = Buffer.alloc(64 * 1024)
    let ahead = 0
    let most = 0
    const content = Readable.from(
      (async function* () {
        const folder = path.join(world.dataDir, 'uploads/u1/files/big.bin')
        for (let n = 0; n < 800; n++) {
          yield chunk
          if (n % 100 !== 99) continue
          const handle = await open(folder)
          ahead = (n + 1) * chunk.length - (await handle.stat()).size
          await handle.close()
          most = Math.max(most, ahead)
        }
      })(),
    )
    await upload.add('big.bin', content)
    expect(most).toBeLessThan(20 * chunk.length)
  })

  it.skipIf(!existsSync('/dev/full'))('[P9b] says STORAGE_FULL when the disk is', async () => {
    const handle = await open('/dev/full', 'w')
    try {
      const writing = writeStream(text('x'), handle, { maxBytes: 10 })
      await expect(writing).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    } finally {
      await handle.close()
    }
  })

  it('[P9b] says what is wrong where DATA_DIR cannot be written', async () => {
    await mkdir(world.dataDir, { recursive: true })
    await writeFile(path.join(world.dataDir, 'uploads'), 'a file in its place')
    await expect(openUpload()).rejects.toThrow()
    await expect(openUpload()).rejects.toThrow()
  })
})
