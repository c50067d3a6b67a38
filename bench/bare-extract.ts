/**
 * The extraction libraries of the ingest app called bare, one file after the other in one process, as somebody would
 * who only wants the text: no caps, no isolation, no passages, no index, nothing kept. The peer of bench/ingest.ts.
 *
 *   node bench/bare-extract.ts <folder>
 *
 * Reads every regular file below the folder (links and dot files not, `.gitignore` not respected: give it a clean
 * folder), tells the type by the ending, hashes, extracts, and prints one line of JSON. Loading the libraries counts.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

/** What is printed. `seconds` and `cpuSeconds` begin when the program does; `cpuSeconds` is user and system time. */
export interface BareResult {
  /** Files looked at, and how many of them gave text. */
  files: number
  extracted: number
  /** Locked, damaged or of no known type: passed over. */
  skipped: number
  bytes: number
  characters: number
  seconds: number
  cpuSeconds: number
  filesPerSecond: number
  mbPerSecond: number
  peakRssMb: number
}

type Extract = (bytes: Buffer) => Promise<string>

const PLAIN = new Set(
  'md markdown txt text log ts tsx js jsx mjs cjs py go rs java c h sh sql json yaml yml css toml xml csv'.split(' '),
)

// Loaded by the first file that needs them, as in the app.
const loaded = new Map<string, Promise<Extract>>()

function extractorFor(extension: string): Promise<Extract> | null {
  const kind = extension === 'htm' ? 'html' : PLAIN.has(extension) ? 'plain' : extension
  const load = LOADERS[kind]
  if (!load) return null
  const known = loaded.get(kind) ?? load()
  loaded.set(kind, known)
  return known
}

const LOADERS: Record<string, () => Promise<Extract>> = {
  pdf: async () => {
    const { extractText, getDocumentProxy } = await import('unpdf')
    return async (bytes) => {
      const pdf = await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 })
      try {
        return (await extractText(pdf, { mergePages: true })).text
      } finally {
        await pdf.loadingTask.destroy()
      }
    }
  },
  docx: async () => {
    const mammoth = await import('mammoth')
    const { default: TurndownService } = await import('turndown')
    const turndown = new TurndownService()
    return async (buffer) => turndown.turndown((await mammoth.default.convertToHtml({ buffer })).value)
  },
  html: async () => {
    const { Readability } = await import('@mozilla/readability')
    const { parseHTML } = await import('linkedom')
    const { default: TurndownService } = await import('turndown')
    const turndown = new TurndownService()
    return async (bytes) => {
      const document = parseHTML(bytes.toString('utf8')).document as unknown as ConstructorParameters<
        typeof Readability
      >[0]
      const fallback = document.body?.textContent ?? ''
      const content = new Readability(document).parse()?.content
      return content ? turndown.turndown(content) : fallback
    }
  },
  plain: async () => async (bytes) => bytes.toString('utf8'),
}

async function* regularFiles(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* regularFiles(path)
    else if (entry.isFile()) yield path
  }
}

/** Extracts everything below the folder; a file that cannot be read is counted and passed over. */
export async function bareExtract(folder: string): Promise<BareResult> {
  const started = performance.now()
  const cpu = process.cpuUsage()
  let [files, extracted, bytes, characters] = [0, 0, 0, 0]
  for await (const path of regularFiles(folder)) {
    const content = await readFile(path)
    files += 1
    bytes += content.length
    createHash('sha256').update(content).digest('hex')
    try {
      const extract = await extractorFor(extname(path).slice(1).toLowerCase())
      if (!extract) continue
      const text = await extract(content)
      if (!/\S/.test(text)) continue
      characters += text.length
      extracted += 1
    } catch {
      // Locked or damaged: counted below as what is missing.
    }
  }
  const seconds = (performance.now() - started) / 1000
  const used = process.cpuUsage(cpu)
  return {
    files,
    extracted,
    skipped: files - extracted,
    bytes,
    characters,
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    filesPerSecond: files / seconds,
    mbPerSecond: bytes / 1e6 / seconds,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  }
}

if (import.meta.main) {
  const folder = process.argv[2]
  if (folder) {
    // What the libraries print about damaged files would stand between a reader and the numbers.
    console.warn = () => {}
    console.log(JSON.stringify(await bareExtract(folder)))
  } else {
    console.error('usage: node bench/bare-extract.ts <folder>')
    process.exitCode = 1
  }
}
