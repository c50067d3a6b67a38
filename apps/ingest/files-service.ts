import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { Run } from '@holdfast/server'
import { type FileFilter, type FileList, filePosition } from './file-list.ts'
import type { FileStore } from './file-store.ts'
import type { IngestionRow, IngestionStore } from './ingestion-store.ts'
import { cursorOf, parseCursor } from './list-cursor.ts'
import type { ProjectStore } from './project-store.ts'
import type { IngestService } from './service.ts'
import type { FileDetailView, FileSort, FilesPage, FileView, Page, PassageView } from './view.ts'
import { fileDetailView, fileView, passageView } from './views.ts'

export interface FilesServiceDeps {
  projects: ProjectStore
  ingestions: IngestionStore
  files: FileStore
  list: FileList
  ingest: Pick<IngestService, 'retryFiles'>
}

/** At most this many sources are tried again by one request: each is an ingestion of its own. */
const MOST_SOURCES = 100
const EXPORT_PAGE = 500

/** What can be looked at and done among a project's files. Views go out, errors are HoldfastErrors. */
export class FilesService {
  readonly #deps: FilesServiceDeps

  constructor(deps: FilesServiceDeps) {
    this.#deps = deps
  }

  async list(
    projectId: string,
    filter: FileFilter,
    sort: FileSort,
    limit: number,
    cursor: string | null,
  ): Promise<FilesPage> {
    await this.#demandProject(projectId)
    const { list } = this.#deps
    const rows = await list.page(projectId, filter, sort, limit, parseCursor(cursor, sort, sort.endsWith('path')))
    const last = rows.at(-1)
    const { status: _status, code: _code, ...ungrouped } = filter
    return {
      items: rows.map(fileView),
      next: rows.length === limit && last ? cursorOf(filePosition(last, sort), sort) : null,
      total: await list.count(projectId, filter),
      groups: (await list.groups(projectId, ungrouped)) as FilesPage['groups'],
    }
  }

  /** Every file that matches, a page at a time: memory does not grow with their number. */
  async *all(projectId: string, filter: FileFilter, sort: FileSort): AsyncGenerator<FileView[]> {
    let after = null
    for (;;) {
      const rows = await this.#deps.list.page(projectId, filter, sort, EXPORT_PAGE, after)
      if (rows.length > 0) yield rows.map(fileView)
      const last = rows.at(-1)
      if (!last || rows.length < EXPORT_PAGE) return
      after = filePosition(last, sort)
    }
  }

  async get(projectId: string, fileId: string): Promise<FileDetailView> {
    const { files, ingestions } = this.#deps
    await this.#demandProject(projectId)
    const row = await files.get(fileId)
    const ingestion = row?.project_id === projectId ? await ingestions.ingestion(row.ingestion_id) : null
    if (!row || !ingestion) throw new HoldfastError('NOT_FOUND', `There is no file "${fileId}" in this project.`)
    return fileDetailView(row, JSON.parse(ingestion.source))
  }

  async passages(projectId: string, fileId: string, limit: number, after: number): Promise<Page<PassageView>> {
    const { chunks } = await this.get(projectId, fileId)
    const items = (await this.#deps.list.passages(fileId, limit, after)).map(passageView)
    const last = items.at(-1)
    return { items, next: items.length === limit && last ? String(last.ordinal) : null, total: chunks }
  }

  /**
   * Tries the failed files among those again: one ingestion for each source they come from. What goes on already is
   * left to end; where that is all of them, it throws NOT_ENDED, and CONFLICT where none has failed.
   */
  async retry(projectId: string, filter: FileFilter): Promise<{ run: Run; files: number }[]> {
    await this.#demandProject(projectId)
    const { list, ingestions, ingest } = this.#deps
    const sources = await list.failedBySource(projectId, filter)
    if (sources.length === 0) throw new HoldfastError('CONFLICT', 'None of these files has failed.')
    if (sources.length > MOST_SOURCES) {
      const words = `These files come from ${sources.length} sources; at most ${MOST_SOURCES} can be tried again at once.`
      throw new HoldfastError('INVALID_INPUT', words)
    }
    const retries: { run: Run; files: number }[] = []
    for (const { source_key: sourceKey, files } of sources) {
      const newest: IngestionRow | null = await ingestions.newestOfSource(projectId, sourceKey)
      if (newest === null || newest.completed_at === null) continue
      const claim = (ingestionId: string) => list.claimForRetry(projectId, sourceKey, filter, ingestionId)
      const run = await ingest.retryFiles(newest, claim).catch(nullIfGoingOn)
      if (run) retries.push({ run, files })
    }
    if (retries.length === 0) throw new HoldfastError('NOT_ENDED', 'They are still being worked on; cancel it first.')
    return retries
  }

  async #demandProject(id: string): Promise<void> {
    if ((await this.#deps.projects.get(id)) === null) {
      throw new HoldfastError('NOT_FOUND', `There is no project "${id}".`)
    }
  }
}

/** Somebody else was a moment faster. */
function nullIfGoingOn(error: unknown): null {
  if (isHoldfastError(error, 'NOT_ENDED')) return null
  throw error
}
