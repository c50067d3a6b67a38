import { HoldfastError, isHoldfastError, type Offset } from '@holdfast/protocol'
import type { Run, RunDefinition, Services, Write } from '@holdfast/server'
import type { FileStore } from './file-store.ts'
import type { IngestionRow, IngestionStore, Scope } from './ingestion-store.ts'
import { cursorOf, parseCursor } from './list-cursor.ts'
import type { IngestionInput } from './phases/world.ts'
import type { SearchIndex, Source, Sources, Upload } from './ports.ts'
import { type ProjectFilter, type ProjectStore, projectPosition } from './project-store.ts'
import { type IngestionState, ingestionStream, projectStream, projectsStream } from './streams.ts'
import type {
  IngestionView,
  Page,
  ProgressView,
  ProjectSort,
  ProjectsPage,
  ProjectView,
  SearchHitView,
  WatchedView,
} from './view.ts'
import { ingestionView, progressView, projectView } from './views.ts'

export interface IngestServiceDeps {
  services: Services
  files: FileStore
  projects: ProjectStore
  ingestions: IngestionStore
  sources: Sources
  search: SearchIndex
  run: RunDefinition<IngestionInput>
}

/** Everything the app does, whoever asks: HTTP, the terminal, other code. Views go out, errors are HoldfastErrors. */
export class IngestService {
  readonly #deps: IngestServiceDeps

  constructor(deps: IngestServiceDeps) {
    this.#deps = deps
  }

  /**
   * Makes a project, and begins its first ingestion with it where a source is given: both or, where the source is
   * refused, neither.
   */
  async createProject(name: string, wanted?: Source): Promise<ProjectView> {
    const { services, projects, sources } = this.#deps
    const { db, log, clock, newId } = services
    const source = wanted && (await sources.validate(wanted))
    const id = newId()
    const made = [
      projects.insert({ id, name, created_at: clock.now() }),
      log.create(projectStream.name({ projectId: id })),
      log.appendEvents(projectsStream, {}, [{ type: 'project_created', projectId: id }]),
    ]
    if (source) await this.#start(wholeOf(id, source), null, made)
    else await db.commit(made)
    return this.project(id)
  }

  async project(id: string): Promise<ProjectView> {
    const row = await this.#project(id)
    const [view] = await this.#views(row.ingestion_id === null ? [] : [row.ingestion_id])
    return projectView(row, view ?? null)
  }

  async projects(
    filter: ProjectFilter,
    sort: ProjectSort,
    limit: number,
    cursor: string | null,
  ): Promise<ProjectsPage> {
    const { projects } = this.#deps
    const rows = await projects.list(filter, sort, limit, parseCursor(cursor, sort, sort !== 'active'))
    const views = await this.#views(rows.flatMap(({ ingestion_id }) => ingestion_id ?? []))
    const byId = new Map(views.map((view) => [view.ingestionId, view]))
    const groups = await projects.groups(filter)
    const like = groups.filter(({ status }) => filter.status === undefined || status === filter.status)
    const last = rows.at(-1)
    return {
      items: rows.map((row) => projectView(row, byId.get(row.ingestion_id ?? '') ?? null)),
      next: rows.length === limit && last ? cursorOf(projectPosition(last, sort), sort) : null,
      total: like.reduce((sum, { projects: count }) => sum + count, 0),
      groups,
    }
  }

  /** Those of the ingestions that there are and that `mayRead` allows, with their projects' names. */
  async watched(ids: readonly string[], mayRead: (projectId: string) => boolean): Promise<WatchedView[]> {
    const views = (await this.#views(ids)).filter(({ projectId }) => mayRead(projectId))
    const names = await this.#deps.projects.names([...new Set(views.map(({ projectId }) => projectId))])
    return views.map((view) => ({ ...view, projectName: names.get(view.projectId) ?? '' }))
  }

  /** Receives files, then starts their ingestion; what was received is removed again where that fails. */
  async ingestUpload(projectId: string, receive: (upload: Upload) => Promise<void>): Promise<Run> {
    await this.#project(projectId)
    const { services, sources } = this.#deps
    const uploadId = services.newId()
    const upload = await sources.openUpload(uploadId)
    let isAsked = false
    try {
      await receive(upload)
      if (upload.files === 0) throw new HoldfastError('INVALID_INPUT', 'There is no file in the upload.')
      await upload.commit()
      isAsked = true
      return await this.ingest(projectId, { kind: 'upload', uploadId, files: upload.files })
    } catch (error) {
      // The ingestion may be there: then its files are wanted. If it is not, they are swept.
      if (isAsked && isHoldfastError(error, 'OUTCOME_UNKNOWN')) throw error
      await upload.discard().catch((err: unknown) => {
        services.logger.warn({ err, uploadId }, 'what is left of an upload could not be removed')
      })
      throw error
    }
  }

  /** Queues an ingestion. When this resolves it will be carried out, behind the project's earlier ones. */
  async ingest(projectId: string, wanted: Source): Promise<Run> {
    await this.#project(projectId)
    const source = await this.#deps.sources.validate(wanted)
    return this.#start(wholeOf(projectId, source), null)
  }

  /** Tries an ended ingestion again; NOT_ENDED while it, or another retry of its line, goes on. */
  async retry(projectId: string, ingestionId: string, scope: Scope): Promise<Run> {
    const row = await this.#ingestion(projectId, ingestionId)
    const earlier = await this.#deps.services.runs.get(ingestionId)
    if (!earlier) throw new HoldfastError('NOT_FOUND', `There is no ingestion "${ingestionId}".`)
    if (earlier.endedAt === null) throw new HoldfastError('NOT_ENDED', 'It is still going on; cancel it first.')
    if (scope.kind === 'file') await this.#failedFile(row, scope.fileId)
    const source: Source = JSON.parse(row.source)
    return this.#start({ projectId, source, sourceKey: row.source_key, scope }, earlier)
  }

  async cancel(projectId: string, ingestionId: string): Promise<void> {
    await this.#ingestion(projectId, ingestionId)
    await this.#deps.services.runs.cancel(ingestionId)
  }

  async ingestions(projectId: string, limit: number, cursor: string | null): Promise<Page<IngestionView>> {
    await this.#project(projectId)
    const { ingestions } = this.#deps
    const rows = await ingestions.ingestions(projectId, limit, cursor)
    const items = await Promise.all(rows.map((row) => this.#view(row)))
    const total = await ingestions.countIngestions(projectId)
    return { items, next: rows.length === limit ? (rows.at(-1)?.ingestion_id ?? null) : null, total }
  }

  /** Every ingestion of a project, newest first, a page at a time. */
  async *allIngestions(projectId: string): AsyncGenerator<IngestionView[]> {
    let cursor: string | null = null
    do {
      const page: Page<IngestionView> = await this.ingestions(projectId, 200, cursor)
      if (page.items.length > 0) yield page.items
      cursor = page.next
    } while (cursor !== null)
  }

  /** The newest ingestion, or the one asked for, as its stream has it now. */
  async progress(projectId: string, ingestionId: string | null): Promise<ProgressView> {
    await this.#project(projectId)
    const row = await this.#chosen(projectId, ingestionId)
    if (!row) return progressView(projectId, null, null)
    const { log } = this.#deps.services
    const stream = ingestionStream.name({ projectId, ingestionId: row.ingestion_id })
    const { state, offset } = await log.state(ingestionStream, stream)
    return progressView(projectId, row, { state, offset, stream })
  }

  /**
   * The stream to follow: of the ingestion asked for, else of the one the offset belongs to, else of the newest. Throws
   * OFFSET_GONE where the offset is of another stream.
   */
  async progressStream(projectId: string, ingestionId: string | null, offset: Offset | null): Promise<string> {
    await this.#project(projectId)
    const row = ingestionId === null && offset !== null ? null : await this.#chosen(projectId, ingestionId)
    const asked = row && ingestionStream.name({ projectId, ingestionId: row.ingestion_id })
    if (offset !== null) return this.#streamOf(projectId, offset, asked)
    if (!asked) throw new HoldfastError('NOT_FOUND', 'This project has no ingestion yet.')
    return asked
  }

  /** Ranked passages. */
  async search(projectId: string, query: string, limit: number, offset: number): Promise<SearchHitView[]> {
    await this.#project(projectId)
    const hits = await this.#deps.search.search(projectId, query, { limit, offset })
    const passages = await this.#deps.ingestions.passages(hits.map(({ chunkId }) => chunkId))
    const byId = new Map(passages.map((passage) => [passage.id, passage]))
    return hits.flatMap(({ chunkId, score, highlights }) => {
      const passage = byId.get(chunkId)
      // Indexed, but replaced since: its file is being ingested anew.
      if (!passage) return []
      return [
        {
          fileId: passage.file_id,
          path: passage.file_path,
          type: passage.file_type,
          page: passage.page,
          lineStart: passage.line_start,
          lineEnd: passage.line_end,
          start: passage.start_at,
          end: passage.end_at,
          headings: JSON.parse(passage.path),
          text: passage.text,
          highlights,
          score,
        },
      ]
    })
  }

  /**
   * Tries files again that an ended ingestion of their source left behind; `claim` marks them, given the new
   * ingestion's id, in the commit that begins it. NOT_ENDED where somebody else began to do so first.
   */
  async retryFiles(row: IngestionRow, claim: (ingestionId: string) => Write): Promise<Run> {
    const earlier = await this.#deps.services.runs.get(row.ingestion_id)
    if (!earlier) throw new HoldfastError('NOT_FOUND', `There is no ingestion "${row.ingestion_id}".`)
    const source: Source = JSON.parse(row.source)
    const input = { projectId: row.project_id, source, sourceKey: row.source_key, scope: { kind: 'files' } } as const
    return this.#start(input, earlier, [], claim)
  }

  async #start(
    input: IngestionInput,
    earlier: Run | null,
    before: readonly Write[] = [],
    claim?: (ingestionId: string) => Write,
  ): Promise<Run> {
    const { services, ingestions, sources, run } = this.#deps
    const { log, runs, clock, newId } = services
    const { projectId } = input
    const ingestionId = newId()
    const queued = { type: 'ingestion_queued', ingestionId } as const
    const made = { ...input, ingestionId, retryOf: earlier?.id ?? null, rootId: earlier?.rootId ?? ingestionId }
    return runs.start(run, input, {
      id: ingestionId,
      serialKey: `project:${projectId}`,
      ...(earlier ? { retryOf: earlier } : {}),
      writes: [
        ...before,
        ...sources.claim(input.source),
        ingestions.insertIngestion(made, clock.now()),
        ...(earlier ? [ingestions.aloneInLine(ingestionId, made.rootId)] : []),
        ...(claim ? [claim(ingestionId)] : []),
        log.appendEvents(projectStream, { projectId }, [queued]),
        log.appendEvents(projectsStream, {}, [{ ...queued, projectId }]),
      ],
    })
  }

  async #project(id: string) {
    const row = await this.#deps.projects.get(id)
    if (!row) throw new HoldfastError('NOT_FOUND', `There is no project "${id}".`)
    return row
  }

  async #ingestion(projectId: string, id: string): Promise<IngestionRow> {
    const row = await this.#deps.ingestions.ingestion(id)
    if (row?.project_id === projectId) return row
    throw new HoldfastError('NOT_FOUND', `There is no ingestion "${id}" in this project.`)
  }

  async #streamOf(projectId: string, offset: Offset, asked: string | null): Promise<string> {
    const name = (await this.#deps.services.log.findByOffset(offset))?.name
    if (name !== undefined && asked === name) return name
    if (name !== undefined && asked === null && ingestionStream.match(name)?.projectId === projectId) return name
    const wanted = asked === null ? 'no ingestion of this project' : 'another stream than that ingestion'
    throw new HoldfastError('OFFSET_GONE', `That offset is of ${wanted}.`)
  }

  async #chosen(projectId: string, ingestionId: string | null): Promise<IngestionRow | null> {
    return ingestionId === null ? this.#deps.ingestions.newest(projectId) : this.#ingestion(projectId, ingestionId)
  }

  /** A file of another source would come to stand in this one's as well. */
  async #failedFile(ingestion: IngestionRow, fileId: string): Promise<void> {
    const row = await this.#deps.files.get(fileId)
    if (row?.project_id !== ingestion.project_id || row.source_key !== ingestion.source_key) {
      throw new HoldfastError('NOT_FOUND', `There is no file "${fileId}" in the source of this ingestion.`)
    }
    if (row.status !== 'failed') throw new HoldfastError('CONFLICT', `"${row.path}" has not failed.`)
  }

  /** Views of ingestions, in no order. */
  async #views(ids: readonly string[]): Promise<IngestionView[]> {
    const rows = await this.#deps.ingestions.byIds(ids)
    return Promise.all(rows.map((row) => this.#view(row)))
  }

  async #view(row: IngestionRow): Promise<IngestionView> {
    return ingestionView(row, row.completed_at === null ? await this.#state(row) : null)
  }

  async #state(row: IngestionRow): Promise<IngestionState> {
    const name = ingestionStream.name({ projectId: row.project_id, ingestionId: row.ingestion_id })
    return (await this.#deps.services.log.state(ingestionStream, name)).state
  }
}

/** Everything of a source, looked at anew. */
function wholeOf(projectId: string, source: Source): IngestionInput {
  return { projectId, source, sourceKey: sourceKey(source), scope: { kind: 'all' } }
}

/** Files of one source replace each other by path; another ref of a repository is the same source. */
function sourceKey(source: Source): string {
  switch (source.kind) {
    case 'upload':
      return 'upload'
    case 'path':
      return `path:${source.path}`
    case 'url':
    case 'sitemap':
      return `${source.kind}:${source.url}`
    case 'repository':
      return `repository:${source.repository}`
  }
}
