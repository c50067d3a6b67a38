import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  makeDocx,
  makeEncryptedDocx,
  makePdf,
  makeRawDocx,
  makeScannedPdf,
  makeZip,
  wordXml,
} from '../../fixtures/documents.ts'
import { makeFolder, type TestFolder } from '../../fixtures/folder.ts'
import type { ExtractedDocument, FileType } from '../../ports.ts'
import { extract } from './extract.ts'
import { scanHtml } from './html-scan.ts'
import { scanZip, ZIP_LIMITS } from './zip.ts'

let folder: TestFolder

beforeEach(async () => {
  folder = await makeFolder()
})

afterEach(() => folder[Symbol.asyncDispose]())

async function run(type: FileType, content: Buffer | string, name = 'file') {
  const file = folder.in(name)
  const output = folder.in('out.json')
  await writeFile(file, content)
  const result = await extract({
    kind: 'extract',
    file,
    type,
    output,
    partial: `${output}.partial`,
    maxFileBytes: 10_000_000,
  })
  if ('rejected' in result) return result
  const document = JSON.parse(await readFile(output, 'utf8')) as ExtractedDocument
  expect(result).toMatchObject({ characters: document.text.length, title: document.title })
  for (const { start, title } of document.headings) {
    expect(document.text.slice(start, start + 300)).toContain(title.split(' ')[0])
  }
  return document
}

describe('PDF', () => {
  test('[P9d] each page is a span of the text, and the title is read', async () => {
    const document = (await run(
      'pdf',
      await makePdf(['One fish.', 'Two fish.'], { title: 'Fish' }),
    )) as ExtractedDocument
    expect(document).toMatchObject({ type: 'pdf', version: 1, language: null, title: 'Fish' })
    expect(document.pages.map(({ number, start, end }) => [number, document.text.slice(start, end)])).toEqual([
      [1, 'One fish.'],
      [2, 'Two fish.'],
    ])
  })

  test('[P9d] a page without text among others is no failure', async () => {
    expect(await run('pdf', await makePdf(['One fish.', '']))).toMatchObject({ pages: [{ number: 1 }, { number: 2 }] })
  })

  test('[P9e] pictures only, a password and damage have their codes', async () => {
    const pdf = await makePdf(['text'])
    expect(await run('pdf', await makeScannedPdf(2))).toMatchObject({ rejected: 'NEEDS_OCR' })
    expect(await run('pdf', await makePdf(['x'], { userPassword: 'p' }))).toMatchObject({ rejected: 'ENCRYPTED' })
    expect(await run('pdf', await makePdf(['x'], { ownerPassword: 'p' }))).toMatchObject({ text: 'x' })
    expect(await run('pdf', pdf.subarray(0, 200))).toMatchObject({ rejected: 'CORRUPT' })
    expect(await run('pdf', 'nothing of the kind')).toMatchObject({ rejected: 'CORRUPT' })
  })
})

describe('DOCX', () => {
  test('[P9d] headings, paragraphs and tables become text', async () => {
    const document = (await run('docx', await makeDocx())) as ExtractedDocument
    expect(document.title).toBe('Tide tables')
    expect(document.headings.map(({ level, title }) => [level, title])).toEqual([
      [1, 'Tide tables'],
      [2, 'Harbours'],
    ])
    expect(document.text).toContain('When the water comes and goes.')
    expect(document.text).toContain('| Harbour | High water |\n| Brest | 04:12 |')
  })

  test('[P9e] a zip bomb, told by its directory or hidden from it, is not unpacked', async () => {
    const spaces = wordXml([' '.repeat(30e6)])
    expect(await run('docx', makeRawDocx(spaces))).toMatchObject({ rejected: 'ZIP_BOMB' })
    expect(await run('docx', makeRawDocx(spaces, { claimedSize: 500 }))).toMatchObject({ rejected: 'ZIP_BOMB' })
  })

  test('[P9e] the sum of all members, their number and their overlap count too', async () => {
    const content = Buffer.alloc(900_000, 'a')
    const members = (count: number) => Array.from({ length: count }, (_, n) => ({ name: `${n}`, content }))
    const limits = { ...ZIP_LIMITS, maxInflated: 2_000_000, maxEntries: 20 }
    expect(await scanZip(makeZip(members(2)), limits)).toBe(null)
    expect(await scanZip(makeZip(members(3)), limits)).toMatchObject({ rejected: 'ZIP_BOMB' })
    const small = Array.from({ length: 21 }, (_, n) => ({ name: `${n}`, content: Buffer.from('a') }))
    expect(await scanZip(makeZip(small), limits)).toMatchObject({ rejected: 'ZIP_BOMB', detail: '21 members' })
  })

  test('[P9e] passwords and damage have their codes', async () => {
    expect(await run('docx', makeEncryptedDocx())).toEqual({ rejected: 'ENCRYPTED' })
    expect(await run('docx', makeRawDocx(wordXml(['x']), { encrypted: true }))).toEqual({ rejected: 'ENCRYPTED' })
    expect(await run('docx', (await makeDocx()).subarray(0, 3000))).toMatchObject({ rejected: 'CORRUPT' })
    expect(await run('docx', makeRawDocx('<w:document>'))).toMatchObject({ rejected: 'CORRUPT' })
    expect(await run('docx', makeRawDocx(wordXml([])))).toMatchObject({ rejected: 'EMPTY' })
  })
})

describe('HTML', () => {
  const article = `<h1>Tides</h1>${'<p>The water comes, and the water goes, twice a day and a little later each time.</p>'.repeat(12)}`

  test('[P9d] the main text is read, what is around it is not', async () => {
    const page = `<html><head><title>Tides | Sea</title></head><body><nav><a href="/">Home</a></nav><script>var a</script>
      <main><article>${article}<h2>Springs</h2><p>At full moon, <b>more</b> of <a href="/x">it</a>.</p></article></main><footer>Imprint</footer></body></html>`
    const document = (await run('html', page)) as ExtractedDocument
    expect(document.title).toContain('Tides')
    expect(document.text).toContain('At full moon, more of it.')
    expect(document.headings.map(({ title }) => title)).toContain('Springs')
    expect(document.text).not.toMatch(/Home|Imprint|var a/)
  })

  test('[P9d] a page that is no article is read whole, without its frame', async () => {
    const page = '<body><nav>Home</nav><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></body>'
    expect(await run('html', page)).toMatchObject({ text: '| a | b |\n| 1 | 2 |' })
    expect(await run('html', '<!doctype html><html lang=en><title>T</title><p>no body')).toMatchObject({
      title: 'T',
      text: 'no body',
    })
    expect(await run('html', '<p>only a piece')).toMatchObject({ text: 'only a piece' })
    expect(await run('html', '<body><nav>only links</nav></body>')).toMatchObject({ text: 'only links' })
  })

  test('[P9d] the encoding a page names is used', async () => {
    const page = Buffer.concat([Buffer.from('<meta charset="windows-1251"><p>'), Buffer.from([0xcc, 0xee, 0xf0, 0xe5])])
    expect(await run('html', page)).toMatchObject({ text: 'Море' })
  })

  test('[P9e] deep nesting and a page of megabytes are read by one pass over the tags', async () => {
    const deep = `<title>T &amp; U</title>${'<div>'.repeat(30_000)}<h2>Deep</h2>down &#8212; there`
    expect(await run('html', deep)).toMatchObject({
      title: 'T & U',
      text: '## Deep\n\ndown — there',
      headings: [{ level: 2 }],
    })
    const rows = '<tr><td>a</td><td>b</td></tr>'.repeat(80_000)
    const large = (await run('html', `<style>x</style><table>${rows}</table>`)) as ExtractedDocument
    expect(large.text.startsWith('a | b |\n')).toBe(true)
  })

  test('[P9e] tags that are never closed do not keep the scan busy', () => {
    const before = performance.now()
    expect(scanHtml('<script>'.repeat(200_000)).text).toBe('')
    expect(scanHtml('<'.repeat(500_000)).text.length).toBe(500_000)
    expect(scanHtml('text<!-- '.repeat(100_000)).text).toBe('text')
    expect(performance.now() - before).toBeLessThan(5_000)
  })
})

describe('texts', () => {
  test('[P9d] Markdown keeps its source; headings stand outside fences and front matter', async () => {
    const source =
      '---\ntitle: "The sea"\nx: # no\n---\n# Tides #\r\n\n```sh\n# not one\n```\n\nSprings\n=======\n\ntext\n\n## `high` [water](x)\n'
    const document = (await run('markdown', source)) as ExtractedDocument
    expect(document.text).toBe(source)
    expect(document.title).toBe('The sea')
    expect(document.headings).toEqual([
      { level: 1, title: 'Tides', start: source.indexOf('# Tides') },
      { level: 1, title: 'Springs', start: source.indexOf('Springs') },
      { level: 2, title: 'high water', start: source.indexOf('## `high') },
    ])
  })

  test('[P9d] UTF-16, windows-1252 and a UTF-8 file with a broken byte are decoded', async () => {
    const utf16 = Buffer.from('\ufeffgrün 🌊', 'utf16le')
    expect(await run('text', utf16)).toMatchObject({ text: 'grün 🌊' })
    expect(await run('text', Buffer.from(utf16).swap16())).toMatchObject({ text: 'grün 🌊' })
    expect(await run('text', Buffer.from('Stra\xdfe', 'latin1'))).toMatchObject({ text: 'Straße' })
    const broken = Buffer.concat([Buffer.from('ÄÖÜ äöü ßéè êàâ'), Buffer.from([0xff]), Buffer.from('!')])
    expect(await run('text', broken)).toMatchObject({ text: 'ÄÖÜ äöü ßéè êàâ\ufffd!' })
  })

  test('[P9e] lone surrogates are replaced, so that the text can be stored anywhere', async () => {
    const file = Buffer.from('\ufeffa\ud800b\udc00c', 'utf16le')
    expect(await run('text', file)).toMatchObject({ text: 'a\ufffdb\ufffdc' })
  })

  test('[P9e] what turns out to be no text, or blank, has its code', async () => {
    expect(await run('text', Buffer.from([1, 0, 2]))).toEqual({ rejected: 'UNSUPPORTED_TYPE' })
    expect(await run('code', '\u2003\n')).toEqual({ rejected: 'EMPTY' })
    expect(await run('text', Buffer.alloc(10_000_001, 'a'))).toMatchObject({ rejected: 'TOO_LARGE' })
  })

  test('[P9d] source code knows its language by name or first line', async () => {
    expect(await run('code', 'x = 1', 'a.py')).toMatchObject({ language: 'python', text: 'x = 1', title: null })
    expect(await run('code', '#!/bin/sh\nls', 'tool')).toMatchObject({ language: 'shell' })
  })

  test('[P9d] long texts with characters of two units are written whole', async () => {
    const text = `a${'🌊'.repeat(400_000)}\u2028"\\\n`
    expect(await run('text', text)).toMatchObject({ text })
  })
})
