import { CorpusWriter, clearFolder, type Manifest } from './manifest.ts'
import { writePng } from './png.ts'
import { articleLines, makeArticle, wrap } from './prose.ts'
import { Random } from './random.ts'
import { LANGUAGE_EXTENSIONS, writeCode } from './write-code.ts'
import { writePlainDocx } from './write-docx.ts'
import { writePage } from './write-html.ts'
import { writePlainPdf } from './write-pdf.ts'
import { writeMarkdown, writeText } from './write-text.ts'

export interface MixedFilesOptions {
  /** Default 50. */
  files?: number
  /** Default 1. Another seed gives other texts. */
  seed?: string | number
}

type Make = (random: Random) => { extension: string; content: string | Buffer }

const article = (random: Random) => makeArticle(random, random.int(2, 5))

// In turn, so that any number of files is a mix.
const MAKERS: Make[] = [
  (random) => ({ extension: 'md', content: writeMarkdown(article(random), random) }),
  (random) => {
    const { title, ...rest } = article(random)
    const lines = articleLines({ title, ...rest }).flatMap((line) => [...wrap(line, 95), ''])
    return { extension: 'pdf', content: writePlainPdf(lines, title) }
  },
  (random) => ({ extension: 'html', content: writePage(article(random)) }),
  (random) => ({ extension: 'docx', content: writePlainDocx(article(random)) }),
  (random) => ({ extension: 'txt', content: writeText(article(random)) }),
  (random) => {
    const extension = random.pick(LANGUAGE_EXTENSIONS)
    return { extension, content: writeCode(extension, article(random), random, random.int(2, 6)) }
  },
]

/**
 * A small mix in an empty folder, made in milliseconds without any library, for tests of load: PDF, DOCX, HTML,
 * Markdown, text and code in equal parts, the last two of them an empty file and a picture. No manifest is written.
 */
export async function makeMixedFiles(folder: string, options: MixedFilesOptions = {}): Promise<Manifest> {
  const { files = 50, seed = 1 } = options
  await clearFolder(folder)
  const corpus = new CorpusWriter(folder, seed)
  const random = new Random(seed)
  for (let index = 0; index < files - 2; index += 1) {
    const { extension, content } = (MAKERS[index % MAKERS.length] as Make)(random.fork(`file ${index}`))
    await corpus.file(`part-${Math.floor(index / 12) + 1}/file-${index + 1}.${extension}`, content, extension)
  }
  if (files > 1) await corpus.file('empty.txt', '', 'txt', 'EMPTY')
  if (files > 0) await corpus.file('picture.png', writePng(random, 40, 30), 'png', 'UNSUPPORTED_TYPE')
  return corpus.finish()
}
