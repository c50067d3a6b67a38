import { mkdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { Write } from '@holdfast/server'
import type { Upload } from '../../ports.ts'
import { isHidden, numbered, safeRelativeName } from './file-names.ts'
import type { SourceLimits } from './options.ts'
import {
  createFile,
  formatBytes,
  readJson,
  storageError,
  syncFolder,
  syncTree,
  writeJson,
  writeStream,
} from './storage.ts'
import type { ArchiveWriter, BringOptions, UploadArchive } from './upload-archive.ts'

const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/
// Beyond that somebody sends one name over and over.
const MAX_SAME_NAME = 100
// Longer than anybody works on the files of one upload without asking for them again.
const LENT_MS = 24 * 60 * 60_000

interface UploadsOptions {
  dataDir: string
  limits: SourceLimits
  clock: Clock
  archive: UploadArchive | undefined
}

/**
 * `<dataDir>/uploads/<uploadId>`: `files/` below it, and `complete.json` once it was committed. With an archive that is
 * this node's copy: what is committed stands there, and is brought from there where it is missing.
 */
export function createUploads(options: UploadsOptions) {
  const { archive, clock } = options
  const open = new Set<string>()
  /** When each was last asked for. Those that are released are forgotten. */
  const lent = new Map<string, number>()
  const bringing = new Map<string, Promise<boolean>>()

  function folderOf(uploadId: string): string {
    if (!ID.test(uploadId)) throw new HoldfastError('INVALID_INPUT', 'That is not the id of an upload.')
    return path.join(options.dataDir, 'uploads', uploadId)
  }

  async function isComplete(uploadId: string): Promise<boolean> {
    return (await readJson(path.join(folderOf(uploadId), 'complete.json'))) !== null
  }

  /** Whether an upload is here, after bringing it where it is not: one at a time does so, the others wait for that. */
  async function isHere(uploadId: string, bringOptions: BringOptions): Promise<boolean> {
    const { signal } = bringOptions
    for (;;) {
      if (await isComplete(uploadId)) return true
      if (!archive) return false
      const other = bringing.get(uploadId)
      if (!other) {
        const own = bring(archive, uploadId, bringOptions).finally(() => bringing.delete(uploadId))
        bringing.set(uploadId, own)
        return own
      }
      // Where that one failed, or its run was stopped, this one does it itself.
      await Promise.race([other.catch(() => {}), new Promise((resolve) => signal.addEventListener('abort', resolve))])
      signal.throwIfAborted()
    }
  }

  /** Brings an upload here, whole or not at all. Answers whether there is one. */
  async function bring(from: UploadArchive, uploadId: string, bringOptions: BringOptions): Promise<boolean> {
    const folder = folderOf(uploadId)
    const aside = `${folder}.brought`
    try {
      await rm(aside, { recursive: true, force: true })
      await mkdir(path.join(aside, 'files'), { recursive: true, mode: 0o700 })
      const size = await from.bring(uploadId, path.join(aside, 'files'), bringOptions)
      if (!size) return false
      await syncTree(path.join(aside, 'files'))
      await writeJson(path.join(aside, 'complete.json'), size)
      await rm(folder, { recursive: true, force: true })
      await rename(aside, folder)
      return true
    } catch (error) {
      throw storageError(error)
    } finally {
      await rm(aside, { recursive: true, force: true })
    }
  }

  return {
    /** Throws NOT_FOUND where no such upload was committed. */
    async check(uploadId: string): Promise<void> {
      if ((await isComplete(uploadId)) || (await archive?.has(uploadId))) return
      throw new HoldfastError('NOT_FOUND', `There is no upload ${uploadId}.`)
    },

    /** The folder of a committed upload's files, brought here where they are not. Throws NOT_FOUND where there is none. */
    async filesOf(uploadId: string, bringOptions: BringOptions): Promise<string> {
      if (archive) lent.set(uploadId, clock.now())
      if (!(await isHere(uploadId, bringOptions)))
        throw new HoldfastError('NOT_FOUND', `There is no upload ${uploadId}.`)
      return path.join(folderOf(uploadId), 'files')
    },

    /** Throws CONFLICT where the upload is being received or is complete; what a crash left of it is replaced. */
    async open(uploadId: string): Promise<Upload> {
      const folder = folderOf(uploadId)
      if (open.has(uploadId)) throw new HoldfastError('CONFLICT', `The upload ${uploadId} is being received.`)
      open.add(uploadId)
      try {
        if (await isComplete(uploadId)) throw new HoldfastError('CONFLICT', `The upload ${uploadId} is complete.`)
        await rm(folder, { recursive: true, force: true })
        await mkdir(path.join(folder, 'files'), { recursive: true, mode: 0o700 })
      } catch (error) {
        open.delete(uploadId)
        throw storageError(error)
      }
      return new ReceivedUpload({ ...options, uploadId, folder, onClose: () => open.delete(uploadId) })
    },

    async discard(uploadId: string): Promise<void> {
      await removeWhole(folderOf(uploadId))
      await archive?.remove(uploadId)
    },

    claim: (uploadId: string): Write[] => (archive ? [archive.claim(uploadId)] : []),

    /** Removes this node's copy of what stands in the archive, unless it is being received or was asked for lately. */
    async release(uploadId: string): Promise<void> {
      const isInUse = open.has(uploadId) || (lent.get(uploadId) ?? 0) > clock.now() - LENT_MS
      if (!archive || isInUse) return
      lent.delete(uploadId)
      await removeWhole(folderOf(uploadId))
    },
  }
}

/**
 * Moved aside first, so that a crash in the middle leaves nothing that looks whole; and what is brought to its place
 * meanwhile stays.
 */
async function removeWhole(folder: string): Promise<void> {
  const aside = `${folder}.removed`
  await rm(aside, { recursive: true, force: true })
  const isAside = await rename(folder, aside).then(
    () => true,
    () => false,
  )
  await rm(isAside ? aside : folder, { recursive: true, force: true })
}

class ReceivedUpload implements Upload {
  readonly #uploadId: string
  readonly #folder: string
  readonly #limits: SourceLimits
  readonly #archive: UploadArchive | undefined
  readonly #onClose: () => void
  #files = 0
  #bytes = 0
  #closed = false
  #writer: ArchiveWriter | null = null

  constructor(options: UploadsOptions & { uploadId: string; folder: string; onClose: () => void }) {
    this.#uploadId = options.uploadId
    this.#folder = options.folder
    this.#limits = options.limits
    this.#archive = options.archive
    this.#onClose = options.onClose
  }

  get files(): number {
    return this.#files
  }

  /**
   * Dot files are taken in and dropped, as the walk would not read them; of `.gitignore` the walk reads the rules, so
   * it is kept, but does not count. A name that is there already gets a number: `notes (2).md`. Where it throws,
   * nothing of the file is kept, `content` is destroyed, and the upload can go on.
   */
  async add(name: string, content: Readable): Promise<void> {
    try {
      this.#assertOpen()
      const safeName = safeRelativeName(name)
      const isRules = /(?:^|\/)\.gitignore$/.test(safeName) && !isHidden(safeName.slice(0, -'.gitignore'.length))
      if (isHidden(safeName) && !isRules) return await drain(content)
      if (this.#files >= this.#limits.maxFiles) {
        throw new HoldfastError('TOO_LARGE', `An upload may have at most ${this.#limits.maxFiles} files.`)
      }
      const file = await this.#store(safeName, content)
      // File by file, so that the sender waits for the archive as for the disk, and never long for its answer.
      const stored = path.relative(path.join(this.#folder, 'files'), file).split(path.sep).join('/')
      await (await this.#openWriter())?.add(stored, file)
      if (!isRules) this.#files++
    } catch (error) {
      content.destroy()
      throw error
    }
  }

  async #openWriter(): Promise<ArchiveWriter | null> {
    this.#writer ??= (await this.#archive?.open(this.#uploadId)) ?? null
    return this.#writer
  }

  /** Answers the file. */
  async #store(name: string, content: Readable): Promise<string> {
    const { handle, file } = await this.#create(name)
    const left = this.#limits.maxTotalBytes - this.#bytes
    try {
      const maxBytes = Math.min(this.#limits.maxFileBytes, left)
      this.#bytes += await writeStream(content, handle, { maxBytes })
      await handle.close()
      return file
    } catch (error) {
      await handle.close().catch(() => {})
      await rm(file, { force: true })
      if (error instanceof HoldfastError && error.code === 'TOO_LARGE' && left < this.#limits.maxFileBytes) {
        throw new HoldfastError('TOO_LARGE', `An upload may be at most ${formatBytes(this.#limits.maxTotalBytes)}.`)
      }
      throw error
    }
  }

  /** The file system itself says which names are the same, whatever it thinks of upper and lower case. */
  async #create(name: string) {
    for (let number = 1; number <= MAX_SAME_NAME; number++) {
      const file = path.join(this.#folder, 'files', number === 1 ? name : numbered(name, number))
      try {
        return { file, handle: await createFile(file) }
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined
        // mkdir says EEXIST as well, where a file stands in the place of a folder.
        if (code === 'EEXIST' && (await isFolder(path.dirname(file)))) continue
        if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'EINVAL') {
          const why = code === 'ENAMETOOLONG' ? 'is too long' : 'needs a folder where there is a file'
          throw new HoldfastError('INVALID_INPUT', `The file name ${JSON.stringify(name)} ${why}.`, { cause: error })
        }
        throw error
      }
    }
    throw new HoldfastError('INVALID_INPUT', `There are ${MAX_SAME_NAME} files named ${JSON.stringify(name)} already.`)
  }

  async commit(): Promise<void> {
    this.#assertOpen()
    const size = { files: this.#files, bytes: this.#bytes }
    await syncTree(path.join(this.#folder, 'files'))
    await (await this.#openWriter())?.commit(size)
    await writeJson(path.join(this.#folder, 'complete.json'), size)
    // The way down to the folder has to be as durable as what is in it.
    await syncFolder(path.dirname(this.#folder))
    await syncFolder(path.dirname(path.dirname(this.#folder)))
    this.#close()
  }

  /** Harmless when called again; also after a commit. */
  async discard(): Promise<void> {
    this.#close()
    await removeWhole(this.#folder)
    if (this.#writer) await this.#archive?.remove(this.#uploadId)
  }

  #close(): void {
    if (!this.#closed) this.#onClose()
    this.#closed = true
  }

  #assertOpen(): void {
    if (this.#closed) throw new HoldfastError('CONFLICT', 'The upload has been completed or discarded.')
  }
}

async function drain(content: Readable): Promise<void> {
  for await (const _ of content);
}

async function isFolder(name: string): Promise<boolean> {
  return stat(name).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}
