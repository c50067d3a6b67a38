import { appendFile, mkdir, open, opendir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Source } from '../../ports.ts'
import { nameApart } from './file-names.ts'
import { createFile, storageError, syncFolder, writeStream } from './storage.ts'

/** A document that is downloaded already. */
interface JournalEntry {
  url: string
  path: string
  bytes: number
}

/** Where the downloads of one source are kept below its `workDir`. */
export function downloadFolder(workDir: string): string {
  return path.join(workDir, 'download')
}

/**
 * The documents of a URL or sitemap on disk: `files/` with a document each, complete from the moment it has its name,
 * and `journal.jsonl` that tells which URL it is of. Opened again after a crash, it has what the journal tells of and
 * nothing else, so that every document is there once.
 */
export class DownloadFolder {
  readonly root: string
  readonly #folder: string
  readonly #done = new Map<string, JournalEntry>()
  readonly #names = new Set<string>()
  #temporaries = 0

  private constructor(folder: string) {
    this.#folder = folder
    this.root = path.join(folder, 'files')
  }

  static async open(workDir: string, source: Source): Promise<DownloadFolder> {
    const folder = new DownloadFolder(downloadFolder(workDir))
    await folder.#recover(JSON.stringify(source))
    return folder
  }

  /** How much of a URL is there already, or `null`. */
  bytesOf(url: string): number | null {
    return this.#done.get(url)?.bytes ?? null
  }

  /**
   * Stores one document under the name wanted, or one near it where another document has that name. Answers its
   * length. Throws TOO_LARGE, STORAGE_FULL, or what reading threw; nothing is kept then.
   */
  async store(
    url: string,
    wanted: string,
    content: AsyncIterable<Uint8Array>,
    options: { maxBytes: number; onBytes: (bytes: number) => void },
  ): Promise<number> {
    const temporary = path.join(this.#folder, 'partial', String(this.#temporaries++))
    const handle = await createFile(temporary)
    try {
      let bytes: number
      try {
        bytes = await writeStream(content, handle, options)
        await handle.sync()
      } finally {
        await handle.close()
      }
      const entry = { url, path: await this.#name(temporary, url, wanted), bytes }
      this.#done.set(url, entry)
      await appendFile(this.#journal, `${JSON.stringify(entry)}\n`)
      return bytes
    } catch (error) {
      await rm(temporary, { force: true })
      throw storageError(error)
    }
  }

  get #journal(): string {
    return path.join(this.#folder, 'journal.jsonl')
  }

  async #name(temporary: string, url: string, wanted: string): Promise<string> {
    const apart = nameApart(wanted, url)
    // A page `docs` and a page `docs/a` want a file and a folder of one name; the later of the two steps aside.
    for (const name of [wanted, apart]) {
      const key = name.toLowerCase()
      if (this.#names.has(key)) continue
      this.#names.add(key)
      const file = path.join(this.root, name)
      try {
        await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
        await rename(temporary, file)
        return name
      } catch (error) {
        this.#names.delete(key)
        if (name === apart) throw error
      }
    }
    throw new Error(`Two documents want the name ${apart}.`)
  }

  async #recover(source: string): Promise<void> {
    const lines = (await readFile(this.#journal, 'utf8').catch(() => '')).split('\n')
    if (lines[0] !== source) {
      await rm(this.#folder, { recursive: true, force: true })
    } else {
      for (const line of lines.slice(1)) this.#remember(line)
    }
    await rm(path.join(this.#folder, 'partial'), { recursive: true, force: true })
    await mkdir(this.root, { recursive: true, mode: 0o700 })
    const present = await this.#sweep(this.root, '')
    for (const [url, entry] of this.#done) if (!present.has(entry.path)) this.#done.delete(url)
    for (const entry of this.#done.values()) this.#names.add(entry.path.toLowerCase())
    await this.#rewriteJournal(source)
  }

  #remember(line: string): void {
    try {
      const entry: JournalEntry = JSON.parse(line)
      this.#done.set(entry.url, entry)
    } catch {
      // The line a crash cut off: its document is fetched again.
    }
  }

  /** Removes what the journal does not tell of; answers what is there. */
  async #sweep(folder: string, prefix: string): Promise<Set<string>> {
    const known = new Set(Array.from(this.#done.values(), (entry) => entry.path))
    const present = new Set<string>()
    const folders = [{ folder, prefix }]
    for (let current = folders.pop(); current; current = folders.pop()) {
      for await (const entry of await opendir(current.folder)) {
        const name = current.prefix + entry.name
        const file = path.join(current.folder, entry.name)
        if (entry.isDirectory()) folders.push({ folder: file, prefix: `${name}/` })
        else if (known.has(name)) present.add(name)
        else await rm(file, { force: true })
      }
    }
    return present
  }

  async #rewriteJournal(source: string): Promise<void> {
    const lines = [source, ...Array.from(this.#done.values(), (entry) => JSON.stringify(entry))]
    const temporary = `${this.#journal}.tmp`
    try {
      const handle = await open(temporary, 'w', 0o600)
      try {
        await handle.writeFile(`${lines.join('\n')}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(temporary, this.#journal)
    } catch (error) {
      throw storageError(error)
    }
    await syncFolder(this.#folder)
  }
}
