import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Services } from '@holdfast/server'
import type { FileStore } from './file-store.ts'
import type { IngestionStore } from './ingestion-store.ts'
import type { SearchIndex, Sources } from './ports.ts'

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
 * Builds the search index again where passages are missing in it: its file was deleted, or a power cut took its last
 * commits. Until it is done, searches find what is indexed so far.
 */
export async function rebuildSearch(files: FileStore, search: SearchIndex, logger: Logger): Promise<void> {
  try {
    const missing = (await files.searchable()) - (await search.size())
    if (missing <= 0) return
    let count = 0
    for await (const row of files.indexed()) {
      for await (const chunks of files.chunksOf(row.id)) await search.put(row.project_id, row.id, chunks)
      count += 1
    }
    logger.info({ files: count, missing }, 'the search index was built again')
  } catch (err) {
    logger.error({ err }, 'the search index could not be built again')
  }
}
