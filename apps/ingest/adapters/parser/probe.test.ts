import { createHash } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeDocx, makeEncryptedDocx, makePdf, makePng, makeSparseFile, makeZip } from '../../fixtures/documents.ts'
import { makeFolder, type TestFolder } from '../../fixtures/folder.ts'
import { probe } from './probe.ts'

const CAP = 1_000_000
let folder: TestFolder

beforeEach(async () => {
  folder = await makeFolder()
})

afterEach(() => folder[Symbol.asyncDispose]())

async function look(name: string, content: Buffer | string) {
  await writeFile(folder.in(name), content)
  return probe(folder.in(name), CAP)
}

/** The type, or the code of the rejection. */
async function kind(name: string, content: Buffer | string): Promise<string> {
  const result = await look(name, content)
  return 'rejected' in result ? result.rejected : result.type
}

const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const utf16be = (text: string) => utf16(text).swap16()

test('[P9h] the hash is the SHA-256 of the content, whatever its length', async () => {
  for (const size of [1, 262_143, 262_144, 262_145, 600_000]) {
    const content = Buffer.alloc(size, 'words and words ')
    expect(await look('a.txt', content)).toEqual({
      type: 'text',
      size,
      sha256: createHash('sha256').update(content).digest('hex'),
    })
  }
})

test('[P9d] content says what a file is before its name does', async () => {
  const pdf = await makePdf(['text'])
  const docx = await makeDocx()
  expect(await kind('report.txt', pdf)).toBe('pdf')
  expect(await kind('late.pdf', Buffer.concat([Buffer.from('some header\n'), pdf]))).toBe('pdf')
  expect(await kind('report', docx)).toBe('docx')
  expect(await kind('page.txt', '\n<!DOCTYPE html><title>x</title>')).toBe('html')
  expect(await kind('about.md', 'The header of a PDF is %PDF-1.7, in ASCII.')).toBe('markdown')
  expect(await kind('sheet.docx', makeZip([{ name: 'xl/workbook.xml', content: Buffer.from('<x/>') }]))).toBe(
    'UNSUPPORTED_TYPE',
  )
  expect(await kind('archive.zip', makeZip([{ name: 'a.txt', content: Buffer.from('a') }]))).toBe('UNSUPPORTED_TYPE')
  expect(await kind('old.doc', makeEncryptedDocx())).toBe('UNSUPPORTED_TYPE')
  expect(await kind('letter.rtf', '{\\rtf1 hello}')).toBe('UNSUPPORTED_TYPE')
})

test('[P9d] names tell text apart: Markdown, HTML, source code by extension and by first line', async () => {
  expect(await kind('a.md', '# a')).toBe('markdown')
  expect(await kind('a.html', '<p>a</p>')).toBe('html')
  expect(await kind('notes', 'words')).toBe('text')
  expect(await kind('a.log', 'words')).toBe('text')
  for (const name of [
    'a.ts',
    'a.tsx',
    'a.js',
    'a.jsx',
    'a.mjs',
    'a.py',
    'a.go',
    'a.rs',
    'a.java',
    'a.c',
    'a.h',
    'a.cpp',
  ]) {
    expect(await kind(name, 'x')).toBe('code')
  }
  for (const name of ['a.cs', 'a.rb', 'a.php', 'a.sh', 'a.css', 'a.json', 'a.yaml', 'a.toml', 'a.sql', 'Makefile']) {
    expect(await kind(name, 'x')).toBe('code')
  }
  expect(await kind('tool', '#!/usr/bin/env -S python3 -u\nprint(1)')).toBe('code')
})

test('[P9e] binary content under the name of a text is UNSUPPORTED_TYPE', async () => {
  expect(await kind('a.txt', makePng())).toBe('UNSUPPORTED_TYPE')
  expect(await kind('a.md', Buffer.from([1, 2, 3, 4, 5, 200, 201, 202]))).toBe('UNSUPPORTED_TYPE')
  expect(await kind('late.txt', Buffer.concat([Buffer.alloc(300_000, 'text '), Buffer.alloc(10)]))).toBe(
    'UNSUPPORTED_TYPE',
  )
})

test('[P9d] texts in UTF-8, UTF-16 and windows-1252 are texts', async () => {
  expect(await kind('a.txt', '\ufeffgrün')).toBe('text')
  expect(await kind('a.txt', utf16('grün'))).toBe('text')
  expect(await kind('a.txt', utf16be('grün'))).toBe('text')
  expect(await kind('a.txt', Buffer.from('Die Stra\xdfe nach M\xfcnchen', 'latin1'))).toBe('text')
  expect(await kind('a.txt', 'Все счастливые семьи похожи друг на друга')).toBe('text')
})

test('[P9e] no bytes and nothing but blanks are EMPTY', async () => {
  expect(await kind('a.txt', '')).toBe('EMPTY')
  expect(await kind('a.md', ' \r\n\t\n')).toBe('EMPTY')
  expect(await kind('a.txt', Buffer.alloc(300_000, ' '))).toBe('EMPTY')
  expect(await kind('a.txt', utf16(' \n '))).toBe('EMPTY')
})

test('[P9e] damaged documents keep the type their name gives them, for extraction to say what is wrong', async () => {
  expect(await kind('a.pdf', Buffer.from([0, 1, 2, 3]))).toBe('pdf')
  expect(await kind('a.docx', (await makeDocx()).subarray(0, 1000))).toBe('docx')
  expect(await kind('a.docx', makeEncryptedDocx())).toBe('docx')
})

test('[P9e] what is too large, gone, not a file or closed to us has its own code', async () => {
  makeSparseFile(folder.in('large.txt'), CAP + 1)
  expect(await probe(folder.in('large.txt'), CAP)).toMatchObject({ rejected: 'TOO_LARGE' })
  expect(await probe(folder.in('gone.txt'), CAP)).toMatchObject({ rejected: 'VANISHED' })
  await mkdir(folder.in('folder'))
  expect(await probe(folder.in('folder'), CAP)).toMatchObject({ rejected: 'SPECIAL_FILE' })
  await writeFile(folder.in('closed.txt'), 'x')
  await chmod(folder.in('closed.txt'), 0)
  // The superuser may read everything.
  const closed = process.getuid?.() === 0 ? { type: 'text' } : { rejected: 'UNREADABLE' }
  expect(await probe(folder.in('closed.txt'), CAP)).toMatchObject(closed)
})

test.skipIf(process.platform === 'win32')(
  '[P9e] a socket in the folder is a SPECIAL_FILE and does not hold us up',
  async () => {
    const server = createServer().listen(folder.in('socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    expect(await probe(folder.in('socket'), CAP)).toMatchObject({ rejected: 'SPECIAL_FILE' })
    await new Promise((resolve) => server.close(resolve))
  },
)
