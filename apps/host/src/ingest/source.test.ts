import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isSameSource, readSource } from './source.ts'

const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-source-')))
mkdirSync(join(cwd, 'docs/guide'), { recursive: true })
writeFileSync(join(cwd, 'notes.md'), '# Notes\n')
symlinkSync(join(cwd, 'docs'), join(cwd, 'link'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const plain = { sitemap: false, ref: undefined }
const read = (argument: string, flags = {}) => readSource(argument, { ...plain, ...flags }, cwd)

describe('readSource', () => {
  it('[HOST16] takes what is there for a path, and names the project after it', () => {
    expect(read('docs')).toMatchObject({ body: { path: join(cwd, 'docs') }, projectName: 'docs' })
    expect(read('notes.md')).toMatchObject({ body: { path: join(cwd, 'notes.md') }, projectName: 'notes.md' })
    expect(read('.')).toMatchObject({ body: { path: cwd } })
    // It could be a repository too, but here it is a folder.
    expect(read('docs/guide')).toMatchObject({ body: { path: join(cwd, 'docs/guide') }, projectName: 'guide' })
  })

  it('[HOST16] takes an address for a page, or for a sitemap where it is said to be one', () => {
    const page = { body: { url: 'https://docs.example.org/start' }, projectName: 'docs.example.org', path: null }
    expect(read('https://docs.example.org/start')).toMatchObject(page)
    const sitemap = { body: { sitemap: 'http://example.org:8080/sitemap.xml' }, projectName: 'example.org:8080' }
    expect(read('http://example.org:8080/sitemap.xml', { sitemap: true })).toMatchObject(sitemap)
  })

  it('[HOST16] takes owner/name and an address on GitHub for a repository', () => {
    expect(read('nodejs/node')).toMatchObject({ body: { repository: 'nodejs/node' }, projectName: 'nodejs/node' })
    const address = 'https://github.com/nodejs/node.git'
    expect(read(address)).toMatchObject({ body: { repository: address }, projectName: 'nodejs/node' })
    const file = 'https://github.com/nodejs/node/blob/main/README.md'
    expect(read(file)).toMatchObject({ body: { url: file } })
    expect(read('nodejs/node', { ref: 'v26.0.0' }).body).toEqual({ repository: 'nodejs/node', ref: 'v26.0.0' })
  })

  it('[HOST13] refuses what makes no sense together, and says when nothing is there', () => {
    expect(() => read('docs', { sitemap: true })).toThrow(/--sitemap wants the address/)
    expect(() => read('docs', { ref: 'main' })).toThrow(/--ref names/)
    expect(() => read('http://[', {})).toThrow(/is not an address/)
    expect(() => read('nowhere')).toThrow(`there is no file or folder at ${join(cwd, 'nowhere')}`)
  })

  it('[HOST12] knows a source it began before, by the real path', () => {
    expect(isSameSource(read('link'), { kind: 'path', label: join(cwd, 'docs') })).toBe(true)
    expect(isSameSource(read('docs'), { kind: 'path', label: join(cwd, 'docs/guide') })).toBe(false)
    expect(isSameSource(read('https://a.org/'), { kind: 'url', label: 'https://a.org/' })).toBe(true)
    expect(isSameSource(read('https://a.org/'), { kind: 'sitemap', label: 'https://a.org/' })).toBe(false)
  })

  it('[HOST12] knows a repository by its name and what was asked of it', () => {
    const is = (argument: string, label: string, ref?: string) =>
      isSameSource(read(argument, { ref }), { kind: 'repository', label })
    expect(is('nodejs/node', 'nodejs/node')).toBe(true)
    expect(is('https://github.com/nodejs/node.git', 'nodejs/node')).toBe(true)
    expect(is('nodejs/node', 'nodejs/node@v26.0.0', 'v26.0.0')).toBe(true)
    expect(is('https://github.com/nodejs/node/tree/a/b', 'nodejs/node@a/b')).toBe(true)
    expect(is('nodejs/node', 'nodejs/node@v26.0.0')).toBe(false)
    expect(is('nodejs/node', 'nodejs/node', 'v26.0.0')).toBe(false)
    expect(is('nodejs/node', 'nodejs/undici')).toBe(false)
  })
})
