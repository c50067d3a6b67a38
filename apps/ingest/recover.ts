import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Services } from '@holdfast/server'
import type { FileStore } from './file-store.ts'
import type { IngestionStore } from './ingestion-store.ts'
import type { Extent, SearchIndex, Sources } from './ports.ts'

type Logger = Services['logger']

/** What a start has to put right after a crash; a clean stop leaves nothing of it. */

/**
 * Removes uploads that no ingestion knows of: their sender was cut off, or never heard that they arrived. Only before
 * the server listens, since an upload being received is not known either.
 */
export async function sweepUploads(
  dataDir: string,
  ingestions: IngestionStore,
  sources: Sources,
  logger: Logger,
): Promise<void> {
  const folders = await readdir(join(dataDir, 'uploads')).catch(() => [])
  if (folders.length === 0) return
  const known = await ingestions.uploadIds()
  for (const folder of folders) {
    const uploadId = folder.replace(/\.removed$/, '')
    if (known.has(uploadId)) continue
    await sources.discard({ kind: 'upload', uploadId, files: 0 }, '').catch((err: unknown) => {
      logger.warn({ err, folder }, 'what is left of an upload could not be removed')
    })
  }
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
