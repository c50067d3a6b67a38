import { gzipSync } from 'node:zlib'
import type { CorpusWriter } from './manifest.ts'
import { writePng } from './png.ts'
import { articleLines, makeArticle, wrap } from './prose.ts'
import type { Random } from './random.ts'
import { LANGUAGES } from './sentences.ts'
import { plainDocxEntries, writePlainDocx } from './write-docx.ts'
import { writeBrokenPage, writePage } from './write-html.ts'
import { writePlainPdf, writeScanned, writeWithPdfkit } from './write-pdf.ts'
import { utf16, writeLongLine, writeMarkdown, writeText } from './write-text.ts'
import { writeZip } from './zip.ts'

const MADE = 'by hand'

/** The files that a folder of real ones has a few of: locked, damaged, scanned, empty, oddly encoded, oddly named. */
export async function writeSpecialFiles(corpus: CorpusWriter, random: Random): Promise<void> {
  await writeHardPdfs(corpus, random.fork('pdf'))
  await writeHardDocx(corpus, random.fork('docx'))
  await writeEncodings(corpus, random.fork('encodings'))
  await writeEmptyFiles(corpus)
  await writeBinaries(corpus, random.fork('binaries'))
  await writeOddNames(corpus, random.fork('names'))
  await writeLarge(corpus, random.fork('large'))
  await writeLinks(corpus)
  await writeIgnored(corpus)
}

async function writeHardPdfs(corpus: CorpusWriter, random: Random): Promise<void> {
  for (let index = 1; index <= 3; index += 1) {
    const locked = await writeWithPdfkit(makeArticle(random, 3), { password: `secret ${index}` })
    await corpus.file(`accounts/locked-${index}.pdf`, locked, 'pdfkit', 'ENCRYPTED')
    const scanned = await writeScanned(writePng(random, 300, 424), index)
    await corpus.file(`accounts/scan-${index}.pdf`, scanned, 'pdfkit', 'NEEDS_OCR')
  }
  const whole = await writeWithPdfkit(makeArticle(random, 4))
  await corpus.file('accounts/cut-early.pdf', whole.subarray(0, 700), 'pdfkit', 'CORRUPT')
  await corpus.file('accounts/half-a-file.pdf', whole.subarray(0, whole.length >> 1), 'pdfkit', 'CORRUPT')
  const noise = Buffer.concat([Buffer.from('%PDF-1.7\n'), random.bytes(4000)])
  await corpus.file('accounts/noise.pdf', noise, MADE, 'CORRUPT')
  await corpus.file('accounts/a-text-named.pdf', writeText(makeArticle(random, 2)), MADE, 'CORRUPT')
  // Readers put a missing table of objects together again.
  const plain = writePlainPdf(plainLines(random), 'Without its table')
  const [table, trailer] = [plain.lastIndexOf('xref\n0'), plain.lastIndexOf('trailer')]
  const withoutTable = Buffer.concat([plain.subarray(0, table), plain.subarray(trailer)])
  await corpus.file('accounts/without-its-table.pdf', withoutTable, MADE)
  await corpus.file('accounts/no-ending-in-its-name', writePlainPdf(plainLines(random), 'A report'), MADE)
  await corpus.file('accounts/columns.pdf', await writeWithPdfkit(makeArticle(random, 6), { columns: true }), 'pdfkit')
}

function plainLines(random: Random): string[] {
  return articleLines(makeArticle(random, 3)).flatMap((line) => [...wrap(line, 95), ''])
}

async function writeHardDocx(corpus: CorpusWriter, random: Random): Promise<void> {
  const whole = writePlainDocx(makeArticle(random, 5))
  await corpus.file('letters/cut.docx', whole.subarray(0, whole.length >> 1), MADE, 'CORRUPT')
  await corpus.file('letters/noise.docx', random.bytes(3000), MADE, 'CORRUPT')
  const blank = { ...makeArticle(random, 0), title: ' ', intro: [' '] }
  const empty = plainDocxEntries(blank).map(({ name, content }) => ({
    name,
    content:
      name === 'word/document.xml'
        ? Buffer.from(content.toString().replace(/<w:body>.*<\/w:body>/s, '<w:body/>'))
        : content,
  }))
  await corpus.file('letters/no-words.docx', writeZip(empty), MADE, 'EMPTY')
  // Three megabytes of one letter pack to three kilobytes; small enough to harm nobody who unpacks it.
  const padding = { name: 'word/media/padding.xml', content: Buffer.alloc(3_000_000, 'a') }
  const bomb = writeZip([...plainDocxEntries(makeArticle(random, 1)), padding])
  await corpus.file('letters/unpacks-to-much.docx', bomb, MADE, 'ZIP_BOMB')
  // What Word makes of a document with a password: an old-style container with a stream of this name.
  const locked = Buffer.concat([
    Buffer.from('d0cf11e0a1b11ae1', 'hex'),
    random.bytes(1500),
    Buffer.from('EncryptedPackage', 'utf16le'),
    random.bytes(1500),
  ])
  await corpus.file('letters/locked.docx', locked, MADE, 'ENCRYPTED')
}

async function writeEncodings(corpus: CorpusWriter, random: Random): Promise<void> {
  for (const { id, title, latin1, sentences } of LANGUAGES) {
    const text = `${title}\n\n${Array.from({ length: 12 }, () => random.pick(sentences)).join(' ')}\n`
    await corpus.file(`languages/${id}.txt`, text, MADE)
    await corpus.file(`languages/${id}-utf16.txt`, utf16(text, latin1 ? 'le' : 'be'), MADE)
    if (!latin1) continue
    await corpus.file(`languages/${id}-latin1.txt`, Buffer.from(text, 'latin1'), MADE)
    const article = { ...makeArticle(random, 2), title, intro: [text] }
    const page = writePage(article, { charset: 'iso-8859-1' })
    await corpus.file(`languages/${id}-latin1.html`, Buffer.from(page, 'latin1'), MADE)
  }
  await corpus.file('languages/crlf.txt', writeText(makeArticle(random, 3), '\r\n'), MADE)
  await corpus.file('languages/bom.md', `\ufeff${writeMarkdown(makeArticle(random, 3), random)}`, MADE)
  await corpus.file('languages/one-long-line.txt', writeLongLine(makeArticle(random, 40)), MADE)
  await corpus.file('languages/broken.html', writeBrokenPage(makeArticle(random, 5)), MADE)
}

async function writeEmptyFiles(corpus: CorpusWriter): Promise<void> {
  for (const name of ['nothing.txt', 'nothing.md', 'nothing.pdf', 'nothing.ts']) {
    await corpus.file(`empty/${name}`, '', MADE, 'EMPTY')
  }
  await corpus.file('empty/only-blanks.txt', ' \n\t\r\n   \n', MADE, 'EMPTY')
  const page = '<!DOCTYPE html><html><head></head><body><script>start()</script></body></html>'
  await corpus.file('empty/only-a-script.html', page, MADE, 'EMPTY')
}

async function writeBinaries(corpus: CorpusWriter, random: Random): Promise<void> {
  const png = writePng(random, 160, 120)
  const binaries: [string, Buffer][] = [
    ['pictures/page.png', png],
    ['pictures/photo.jpg', Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), random.bytes(5000)])],
    ['pictures/all.zip', writeZip([{ name: 'page.png', content: png }])],
    ['data/dump.bin', random.bytes(20_000)],
    ['data/readings.csv.gz', gzipSync('hour,value\n1,17\n2,18\n')],
    ['data/no-ending', random.bytes(2000)],
    ['data/named-wrongly.md', random.bytes(2000)],
  ]
  for (const [path, content] of binaries) await corpus.file(path, content, MADE, 'UNSUPPORTED_TYPE')
}

async function writeOddNames(corpus: CorpusWriter, random: Random): Promise<void> {
  const names = [
    'inbox/two words.md',
    'inbox/it\'s "quoted".md',
    'inbox/percent %20 and #hash?.md',
    'inbox/Überschwänglich.md',
    'inbox/日本語の名前.md',
    'inbox/Αρχείο.md',
    'inbox/emoji 🐝.md',
    'inbox/UPPER.MD',
    `inbox/${'long-name-'.repeat(18)}.md`,
    `deep/${Array.from({ length: 20 }, (_, level) => `level-${level + 1}`).join('/')}/bottom.md`,
  ]
  for (const name of names) await corpus.file(name, writeMarkdown(makeArticle(random, 2), random), MADE)
}

async function writeLarge(corpus: CorpusWriter, random: Random): Promise<void> {
  await corpus.file('large/book.pdf', await writeWithPdfkit(makeArticle(random, 90)), 'pdfkit')
  await corpus.file('large/book.docx', writePlainDocx(makeArticle(random, 120)), MADE)
  await corpus.file('large/book.txt', writeText(makeArticle(random, 700)), MADE)
  await corpus.file('large/book.html', writePage(makeArticle(random, 200)), MADE)
}

async function writeLinks(corpus: CorpusWriter): Promise<void> {
  await corpus.link('links/inside.md', '../inbox/two words.md', null)
  await corpus.link('links/cycle', '..', 'LINK_CYCLE')
  await corpus.link('links/itself', 'itself', 'LINK_CYCLE')
  await corpus.link('links/outside', '../..', 'LINK_OUTSIDE')
  await corpus.link('links/to-nothing', 'not-there.md', 'UNREADABLE')
}

async function writeIgnored(corpus: CorpusWriter): Promise<void> {
  await corpus.ignored('.gitignore', '# made again by every build\nbuild/\n*.tmp\n')
  await corpus.ignored('build/output.md', '# This must not be found\n')
  await corpus.ignored('build/deep/output.js', 'export const found = true\n')
  await corpus.ignored('inbox/draft.tmp', 'This must not be found.\n')
  await corpus.ignored('.settings/secret.md', '# This must not be found\n')
}
