import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { FILE_CODES, type FileCode } from '../../apps/ingest/ports.ts'

export interface ManifestFile {
  /** Relative to the corpus, `/` between names. */
  path: string
  /** What becomes of it at its first ingestion. */
  status: 'done' | 'skipped' | 'failed'
  /** Why, for skipped and failed files. */
  code: FileCode | null
  /** 0 for links. */
  bytes: number
}

export interface Manifest {
  seed: string
  /** Every entry an ingestion finds, in byte order of the path. */
  files: ManifestFile[]
  /** Entries that are there and that an ingestion leaves out without a word: dot files, what .gitignore names. */
  ignored: string[]
  /** How many files came from which program or place. */
  producers: Record<string, number>
  /** What could not be made on this machine, in plain words. */
  notes: string[]
}

/** Writes a corpus and keeps account of what is expected of each file. */
export class CorpusWriter {
  readonly folder: string
  readonly #manifest: Manifest
  readonly #taken = new Set<string>()

  constructor(folder: string, seed: string | number) {
    this.folder = folder
    this.#manifest = { seed: String(seed), files: [], ignored: [], producers: {}, notes: [] }
  }

  get count(): number {
    return this.#manifest.files.length
  }

  /** `code` where it will not become passages. A path that is taken already throws: nothing is counted twice. */
  async file(path: string, content: string | Buffer, producer: string, code: FileCode | null = null): Promise<void> {
    this.#add(path, code, Buffer.byteLength(content))
    this.#manifest.producers[producer] = (this.#manifest.producers[producer] ?? 0) + 1
    await this.#write(path, content)
  }

  /** `target` as a link's text: relative to the link's folder. */
  async link(path: string, target: string, code: FileCode | null): Promise<void> {
    this.#add(path, code, 0)
    const at = join(this.folder, path)
    await mkdir(dirname(at), { recursive: true })
    await symlink(target, at)
  }

  async ignored(path: string, content: string | Buffer): Promise<void> {
    this.#manifest.ignored.push(path)
    await this.#write(path, content)
  }

  note(text: string): void {
    this.#manifest.notes.push(text)
  }

  finish(): Manifest {
    const key = ({ path }: ManifestFile) => Buffer.from(path)
    return { ...this.#manifest, files: this.#manifest.files.toSorted((a, b) => Buffer.compare(key(a), key(b))) }
  }

  #add(path: string, code: FileCode | null, bytes: number): void {
    if (this.#taken.has(path)) throw new Error(`made twice: ${path}`)
    this.#taken.add(path)
    const status = code === null ? 'done' : FILE_CODES[code].status
    this.#manifest.files.push({ path, status, code, bytes })
  }

  async #write(path: string, content: string | Buffer): Promise<void> {
    const at = join(this.folder, path)
    await mkdir(dirname(at), { recursive: true })
    await writeFile(at, content)
  }
}

/** Where the manifest of a corpus stands: beside its folder, so that it is not ingested with it. */
export function manifestPath(folder: string): string {
  return `${resolve(folder)}.manifest.json`
}

/**
 * Makes the folder, or empties it where it holds an earlier corpus (its manifest says so). Throws where it holds
 * anything else: that may be somebody's.
 */
export async function clearFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  if (names.length > 0 && !existsSync(manifestPath(folder))) {
    throw new Error(`${folder} is not empty and was not made by this program.`)
  }
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
}
