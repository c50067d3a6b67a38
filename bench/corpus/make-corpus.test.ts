import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FILE_CODES } from '../../apps/ingest/ports.ts'
import { makeCorpus } from './make-corpus.ts'
import { makeMixedFiles } from './make-mixed-files.ts'
import type { Manifest } from './manifest.ts'
import { readZip, writeZip } from './zip.ts'

const FILES = 110

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corpus-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Every entry that is no folder, by path, with a hash of its content or a link's target. */
async function fingerprint(root: string, below = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  // Not `recursive`: that follows links to folders, and there is a cycle.
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) {
      for (const [name, hash] of await fingerprint(root, path)) found.set(name, hash)
      continue
    }
    const content = entry.isSymbolicLink() ? await readlink(join(root, path)) : await readFile(join(root, path))
    found.set(path, createHash('sha256').update(content).digest('hex'))
  }
  return found
}

function paths(manifest: Manifest): string[] {
  return [...manifest.files.map((file) => file.path), ...manifest.ignored].sort()
}

describe('makeCorpus', () => {
  it('[P9d] names every file of the corpus in its manifest, each with the status its code has', async () => {
    const root = join(folder, 'corpus')
    const manifest = await makeCorpus(root, { files: FILES, chromium: false })
    expect(manifest.files).toHaveLength(FILES)
    expect([...(await fingerprint(root)).keys()].sort()).toEqual(paths(manifest))
    for (const { path, status, code, bytes } of manifest.files) {
      expect(status, path).toBe(code === null ? 'done' : FILE_CODES[code].status)
      const stats = await lstat(join(root, path))
      if (!stats.isSymbolicLink()) expect(stats.size, path).toBe(bytes)
    }
    expect(JSON.parse(await readFile(`${root}.manifest.json`, 'utf8'))).toEqual(manifest)
  })

  it('[P9d] holds every kind of file that is read and the ones that cannot be', async () => {
    const { files, producers } = await makeCorpus(join(folder, 'corpus'), { files: FILES, chromium: false })
    const endings = new Set(files.map(({ path }) => path.slice(path.lastIndexOf('.'))))
    for (const ending of ['.pdf', '.docx', '.html', '.md', '.txt', '.png', '.zip']) expect(endings).toContain(ending)
    for (const producer of ['pdfkit', 'pdf-lib', 'jspdf', 'docx', 'docx by hand', 'installed packages', 'code']) {
      expect(producers[producer], producer).toBeGreaterThan(0)
    }
    const codes = new Set(files.map(({ code }) => code))
    const links = ['LINK_CYCLE', 'LINK_OUTSIDE', 'UNREADABLE']
    const documents = ['ENCRYPTED', 'CORRUPT', 'NEEDS_OCR', 'ZIP_BOMB', 'EMPTY', 'UNSUPPORTED_TYPE']
    for (const code of [...links, ...documents]) expect(codes).toContain(code)
  })

  it('[P9d] is byte for byte the same for the same seed, and another for another seed', async () => {
    const [first, again, other] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'c')]
    await makeCorpus(first, { files: FILES, seed: 7, chromium: false })
    await makeCorpus(again, { files: FILES, seed: 7, chromium: false })
    await makeCorpus(other, { files: FILES, seed: 8, chromium: false })
    const print = await fingerprint(first)
    expect(await fingerprint(again)).toEqual(print)
    expect(await fingerprint(other)).not.toEqual(print)
  })

  it('[P9d] replaces an earlier corpus but leaves a folder alone that it did not make', async () => {
    const [root, foreign] = [join(folder, 'corpus'), join(folder, 'foreign')]
    await mkdir(root)
    await makeMixedFiles(root, { files: 3 })
    await expect(makeCorpus(root, { files: FILES, chromium: false })).rejects.toThrow('not made by this program')
    await rm(root, { recursive: true })
    await makeCorpus(root, { files: FILES, chromium: false })
    await makeCorpus(root, { files: FILES, chromium: false })
    await mkdir(foreign)
    await writeFile(join(foreign, 'diary.txt'), 'kept')
    await expect(makeCorpus(foreign, { files: FILES })).rejects.toThrow('not made by this program')
    expect(await readFile(join(foreign, 'diary.txt'), 'utf8')).toBe('kept')
  })
})

describe('makeMixedFiles', () => {
  it('[P8b] makes fifty mixed files, other ones for each seed, and nothing beside the folder', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')]
    const manifest = await makeMixedFiles(one, { seed: 1 })
    await makeMixedFiles(two, { seed: 2 })
    expect(manifest.files).toHaveLength(50)
    expect([...(await fingerprint(one)).keys()].sort()).toEqual(paths(manifest))
    for (const ending of ['pdf', 'docx', 'html', 'md', 'txt']) expect(manifest.producers[ending]).toBeGreaterThan(5)
    const seconds = new Set((await fingerprint(two)).values())
    const shared = [...(await fingerprint(one)).values()].filter((hash) => seconds.has(hash))
    // Only the empty file can be the same; two sources can draw the same words, so a few are let pass.
    expect(shared.length).toBeLessThan(4)
    expect(existsSync(`${one}.manifest.json`)).toBe(false)
  })
})

describe('writeZip', () => {
  it('[P9d] keeps names and contents, stored and deflated', () => {
    const entries = [
      { name: 'short.txt', content: Buffer.from('kept as it is') },
      { name: 'Überlänge.txt', content: Buffer.alloc(10_000, 'long ') },
    ]
    const zip = writeZip(entries)
    expect(readZip(zip)).toEqual(entries)
    expect(zip.length).toBeLessThan(1000)
  })
})
