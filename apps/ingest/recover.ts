import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Services } from '@holdfast/server'
import type { FileStore } from './file-store.ts'
import type { IngestionStore } from './ingestion-store.ts'
import type { Extent, SearchIndex, Sources } from './ports.ts'

type Logger = Services['logger']

/** What a start has to put right after a crash; a clean stop leaves nothing of it. */

export interface SweepDeps {
  dataDir: string
  ingestions: IngestionStore
  sources: Sources
  logger: Logger
}

/**
 * Removes uploads that no ingestion knows of: their sender was cut off, or never heard that they arrived. Only before
 * the server listens, since an upload being received is not known either. What another node receives is not here.
 */
export async function sweepUploads({ dataDir, ingestions, sources, logger }: SweepDeps): Promise<void> {
  const uploads = join(dataDir, 'uploads')
  const folders = await readdir(uploads).catch(() => [])
  if (folders.length === 0) return
  const known = await ingestions.uploads()
  for (const folder of folders) {
    if (known.has(folder)) continue
    // With a dot: half removed, or half brought here.
    const removing = folder.includes('.')
      ? rm(join(uploads, folder), { recursive: true, force: true })
      : sources.discard({ kind: 'upload', uploadId: folder, files: 0 }, '')
    await removing.catch((err: unknown) => {
      logger.warn({ err, folder }, 'what is left of an upload could not be removed')
    })
  }
}

/**
 * Frees what ingestions left on this node's disk that ended on another: extracted texts, downloads, and copies of
 * uploads, which can be brought back. `isAtWork` tells of the lines of retries that this node works on now.
 */
export async function sweepLeftovers(deps: SweepDeps, isAtWork: (rootId: string) => boolean): Promise<void> {
  const { dataDir, ingestions, sources, logger } = deps
  try {
    const lines = join(dataDir, 'ingestions')
    for (const rootId of await readdir(lines).catch(() => [])) {
      const needed = isAtWork(rootId) ? 'all' : await ingestions.neededOf(rootId.replace(/\.removed$/, ''))
      if (needed === 'all' || isAtWork(rootId)) continue
      await removeAside(join(lines, rootId, ...(needed === 'downloads' ? ['documents'] : [])))
    }
    const folders = await readdir(join(dataDir, 'uploads')).catch(() => [])
    const uploads = folders.length > 0 ? await ingestions.uploads() : new Map<string, { isWanted: boolean }>()
    // One that is not known is just being received.
    for (const folder of folders) if (uploads.get(folder)?.isWanted === false) await sources.release(folder)
  } catch (err) {
    logger.warn({ err }, 'what ingestions left on disk could not be removed')
  }
}

/** Moved first: who wants the folder from then on makes it anew. */
async function removeAside(folder: string): Promise<void> {
  const aside = folder.endsWith('.removed') ? folder : `${folder}.removed`
  if (aside !== folder) {
    await rm(aside, { recursive: true, force: true })
    await rename(folder, aside).catch(() => {})
  }
  await rm(aside, { recursive: true, force: true })
}

/**
 * Puts back the passages that the search index does not have: its file was deleted or damaged, or a power cut took its
 * last commits. Compares file by file, a page at a time. Until it is done, searches find what is indexed so far.
 */
export async function rebuildSearch(files: FileStore, search: SearchIndex, logger: Logger): Promise<void> {
  let count = 0
  try {
    for await (const page of files.extents()) {
      const indexed = new Map(
        (await search.extents(page.map(({ fileId }) => fileId))).map((file) => [file.fileId, file]),
      )
      for (const file of page) {
        if (isSame(file, indexed.get(file.fileId))) continue
        await search.restore(file.projectId, file.fileId, files.chunksOf(file.fileId))
        count += 1
      }
      // Between pages the server does what it is there for.
      await setImmediate()
    }
    if (count > 0) logger.info({ files: count }, 'the search index was built again')
  } catch (err) {
    logger.error({ err }, 'the search index could not be built again')
  } finally {
    search.restored()
  }
}

function isSame(file: Extent, indexed: Extent | undefined): boolean {
  return indexed?.passages === file.passages && indexed.first === file.first && indexed.last === file.last
}
