/**
 * Makes a folder of mixed files to ingest, the same for the same seed and the same installed packages:
 *
 *   node bench/corpus/make-corpus.ts <folder> [--files 320] [--seed 1]
 *
 * and beside it `<folder>.manifest.json` with what is expected of each file. The texts are this repository's own
 * (sentences.ts, CC0) and, below `packages/`, documentation, licences and sources of the installed packages.
 */
import { writeFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { PdfPrinter } from './chromium.ts'
import { packageFiles } from './from-packages.ts'
import { CorpusWriter, clearFolder, type Manifest, manifestPath } from './manifest.ts'
import { type Article, articleLines, makeArticle, wrap } from './prose.ts'
import { Random } from './random.ts'
import { writeSpecialFiles } from './special-files.ts'
import { LANGUAGE_EXTENSIONS, writeCode } from './write-code.ts'
import { writePlainDocx, writeWithDocx } from './write-docx.ts'
import { writeBrokenPage, writePage } from './write-html.ts'
import { writePlainPdf, writeWithJsPdf, writeWithPdfkit, writeWithPdfLib } from './write-pdf.ts'
import { writeMarkdown, writeText } from './write-text.ts'

export type { Manifest, ManifestFile } from './manifest.ts'

export interface CorpusOptions {
  /** Entries an ingestion finds. Default 320; fewer than the special files are (about 70) throws. */
  files?: number
  /** Default 1. */
  seed?: string | number
  /** Print some of the PDFs with the system's Chromium, where there is one. Default true. */
  chromium?: boolean
}

interface Made {
  extension: string
  content: string | Buffer
}

interface Kind {
  producer: string
  folder: string
  /** Of a hundred files that are not special. What is left to a hundred comes from the installed packages. */
  share: number
  /** Fewest and most sections of a document. */
  sections: [number, number]
  make(article: Article, random: Random): Made | Promise<Made>
}

/** Fills an empty folder (or one with an earlier corpus) and writes the manifest beside it. */
export async function makeCorpus(folder: string, options: CorpusOptions = {}): Promise<Manifest> {
  const { files = 320, seed = 1 } = options
  await clearFolder(folder)
  const corpus = new CorpusWriter(folder, seed)
  const random = new Random(seed)
  await writeSpecialFiles(corpus, random.fork('special'))
  if (files < corpus.count) throw new RangeError(`A corpus has at least ${corpus.count} files.`)
  const printer = options.chromium === false ? null : await PdfPrinter.start()
  try {
    if (printer === null) corpus.note('No Chromium was used: its share of the PDFs is made by the other programs.')
    const rest = files - corpus.count
    for (const kind of kinds(printer)) await writeKind(corpus, random, kind, Math.round((rest * kind.share) / 100))
  } finally {
    await printer?.close()
  }
  for (const { path, content } of packageFiles(files - corpus.count, seed)) {
    await corpus.file(`packages/${path}`, content, 'installed packages')
  }
  const manifest = corpus.finish()
  if (manifest.files.length !== files) throw new Error(`${manifest.files.length} files were made, not ${files}.`)
  await writeFile(manifestPath(folder), `${JSON.stringify(manifest, null, 2)}\n`)
  return manifest
}

async function writeKind(corpus: CorpusWriter, random: Random, kind: Kind, count: number): Promise<void> {
  for (let index = 1; index <= count; index += 1) {
    const own = random.fork(`${kind.producer}/${kind.folder}/${index}`)
    const article = makeArticle(own, own.int(...kind.sections))
    const { extension, content } = await kind.make(article, own)
    const year = article.date.slice(0, 4)
    const name = `${article.place.toLowerCase().replaceAll(' ', '-')}-${kind.producer.replace(/\W+/g, '-')}-${index}`
    await corpus.file(`${kind.folder}/${article.subject.id}/${year}/${name}.${extension}`, content, kind.producer)
  }
}

function kinds(printer: PdfPrinter | null): Kind[] {
  const own = printer ? 0 : 2
  const pdf = (producer: string, share: number, make: (article: Article) => Buffer | Promise<Buffer>): Kind => ({
    producer,
    folder: 'library',
    share,
    sections: [2, 16],
    make: async (article) => ({ extension: 'pdf', content: await make(article) }),
  })
  const printed = printer ? [pdf('chromium', 6, (article) => printer.print(writePage(article), article.date))] : []
  return [
    ...printed,
    pdf('pdfkit', 10 + own, writeWithPdfkit),
    pdf('pdf-lib', 7 + own, writeWithPdfLib),
    pdf('jspdf', 6 + own, writeWithJsPdf),
    pdf('pdf by hand', 2, (article) => writePlainPdf(plainLines(article), article.title)),
    ...documentKinds(),
    ...textKinds(),
  ]
}

function plainLines(article: Article): string[] {
  return articleLines(article).flatMap((line) => [...wrap(line, 95), ''])
}

function documentKinds(): Kind[] {
  const docx = (producer: string, share: number, make: (article: Article) => Buffer | Promise<Buffer>): Kind => ({
    producer,
    folder: 'letters',
    share,
    sections: [2, 14],
    make: async (article) => ({ extension: 'docx', content: await make(article) }),
  })
  return [docx('docx', 7, writeWithDocx), docx('docx by hand', 6, writePlainDocx)]
}

function textKinds(): Kind[] {
  const extension = (random: Random, endings: readonly string[]) => random.pick(endings)
  return [
    {
      producer: 'html',
      folder: 'sites',
      share: 10,
      sections: [2, 18],
      make: (article, random) => ({
        extension: extension(random, ['html', 'html', 'htm']),
        content: random.chance(0.15) ? writeBrokenPage(article) : writePage(article),
      }),
    },
    {
      producer: 'markdown',
      folder: 'notes',
      share: 9,
      sections: [1, 14],
      make: (article, random) => ({ extension: 'md', content: writeMarkdown(article, random) }),
    },
    {
      producer: 'text',
      folder: 'notes',
      share: 6,
      sections: [1, 20],
      make: (article, random) => ({
        extension: extension(random, ['txt', 'txt', 'log', 'text']),
        content: writeText(article, random.chance(0.2) ? '\r\n' : '\n'),
      }),
    },
    {
      producer: 'code',
      folder: 'projects',
      share: 11,
      sections: [1, 3],
      make: (article, random) => {
        const language = extension(random, LANGUAGE_EXTENSIONS)
        return { extension: language, content: writeCode(language, article, random, random.int(2, 12)) }
      },
    },
  ]
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { files: { type: 'string', default: '320' }, seed: { type: 'string', default: '1' } },
  })
  const [folder] = positionals
  const files = Number(values.files)
  if (!folder || !Number.isSafeInteger(files) || files < 1) {
    console.error('usage: node bench/corpus/make-corpus.ts <folder> [--files 320] [--seed 1]')
    process.exitCode = 1
    return
  }
  const manifest = await makeCorpus(folder, { files, seed: values.seed })
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  console.log(`${manifest.files.length} files, ${(bytes / 1e6).toFixed(1)} MB in ${folder}`)
  for (const [producer, count] of Object.entries(manifest.producers)) console.log(`  ${producer}: ${count}`)
  for (const note of manifest.notes) console.log(note)
  console.log(`Expected results: ${relative('', manifestPath(folder))}`)
}

if (import.meta.main) await main()
