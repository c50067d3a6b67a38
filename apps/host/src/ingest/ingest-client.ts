import { type ClientWorld, RequestError, request } from '@holdfast/client'
import { type IngestionEvent, type IngestionState, ingestionStream } from '@holdfast/ingest/streams'
import type { AcceptedView, FileGroup, FilesPage, FileView, Page, ProjectView } from '@holdfast/ingest/view'
import { type EventBase, HoldfastError } from '@holdfast/protocol'
import { type FollowOptions, followStream } from '../follow-stream.ts'
import type { NamedSource } from './source.ts'

const PAGE = 200
const PROJECT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** An ingestion, and the project it is of. */
export interface Begun {
  project: ProjectView
  ingestionId: string
}

/** The ingest app's HTTP interface, as far as the command needs it. Every member throws RequestError. */
export class IngestClient {
  readonly #world: ClientWorld

  constructor(world: ClientWorld) {
    this.#world = world
  }

  /** The project of that id, else the newest of that name, if there is one. */
  async findProject(nameOrId: string): Promise<ProjectView | null> {
    if (PROJECT_ID.test(nameOrId)) return this.#get<ProjectView>(`/api/projects/${nameOrId}`)
    let next: string | null = ''
    while (next !== null) {
      const path = `/api/projects?limit=${PAGE}&q=${encodeURIComponent(nameOrId)}${cursorParam(next)}`
      const page: Page<ProjectView> = await this.#get(path)
      const known = page.items.find(({ name }) => name === nameOrId)
      if (known) return known
      next = page.next
    }
    return null
  }

  /** Makes a project and begins its first ingestion: both or, where the source is refused, neither. */
  async beginNew(name: string, source: NamedSource['body']): Promise<Begun> {
    const project = await this.#post<ProjectView>('/api/projects', { name, source })
    return { project, ingestionId: project.ingestion?.ingestionId ?? '' }
  }

  async begin(project: ProjectView, source: NamedSource['body']): Promise<Begun> {
    const { ingestionId } = await this.#post<AcceptedView>(`/api/projects/${project.id}/ingestions`, source)
    return { project, ingestionId }
  }

  /** Folders the server may read. */
  async roots(): Promise<string[]> {
    return (await this.#get<{ roots: string[] }>('/api/ingest/roots')).roots
  }

  /** Follows an ingestion from its beginning to its end, and tells every event with the state after it. */
  follow(
    projectId: string,
    ingestionId: string,
    options: Pick<FollowOptions, 'onConnection' | 'signal'> & {
      onEvent(event: IngestionEvent, offset: string, state: IngestionState): void
    },
  ): Promise<'ended' | 'aborted'> {
    const { onEvent, ...rest } = options
    let state = ingestionStream.initial
    return followStream({
      ...rest,
      world: this.#world,
      stream: ingestionStream.name({ projectId, ingestionId }),
      onEvent: (event, offset) => {
        const checked = checkEvent(event, this.#world.clock.now())
        state = ingestionStream.apply(state, checked)
        onEvent(checked, offset, state)
      },
    })
  }

  /** How many files of an ingestion have which status and code. */
  async groups(projectId: string, ingestionId: string): Promise<FileGroup[]> {
    const path = `/api/projects/${projectId}/files?limit=1&ingestion=${ingestionId}`
    return (await this.#get<FilesPage>(path)).groups
  }

  /** All files of one group, read page by page. */
  async *files(projectId: string, ingestionId: string, { status, code }: FileGroup): AsyncIterable<FileView> {
    const filter = `ingestion=${ingestionId}&status=${status}${code === null ? '' : `&code=${code}`}`
    let next: string | null = ''
    while (next !== null) {
      const path = `/api/projects/${projectId}/files?limit=${PAGE}&${filter}${cursorParam(next)}`
      const page: FilesPage = await this.#get(path)
      yield* page.items
      next = page.next
    }
  }

  #get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return request<T>(this.#world, path, signal ? { signal } : {})
  }

  #post<T>(path: string, body: unknown): Promise<T> {
    const headers = { 'content-type': 'application/json' }
    return request<T>(this.#world, path, { method: 'POST', headers, body: JSON.stringify(body) })
  }
}

function cursorParam(cursor: string): string {
  return cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
}

function checkEvent(event: EventBase, now: number): IngestionEvent {
  // One of a newer server: the fold leaves it alone, and a program that reads the lines may know it.
  if (!Object.hasOwn(ingestionStream.events, event.type)) return event as IngestionEvent
  try {
    return ingestionStream.parse(event as IngestionEvent, now)
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    const fields = { code: error.code, status: 0, kind: 'validation', retry: false } as const
    throw new RequestError(`${error.message} The server is of another version than this command.`, fields, error)
  }
}
