import { useStreamClient } from '@holdfast/react'
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type {
  FileDetailView,
  FilesPage,
  FileView,
  IngestionView,
  Page,
  PassageView,
  ProjectSort,
  ProjectStatus,
  ProjectsPage,
  ProjectView,
  SearchHitView,
} from '../view.ts'
import { pathOf, queryOf } from './requests.ts'

/** Names of what is read, so that what changes can be read again. */
export const keys = {
  projects: ['projects'],
  /** Everything about one project. */
  project: (id: string) => ['project', id],
  facts: (id: string) => ['project', id, 'facts'],
  ingestions: (id: string) => ['project', id, 'ingestions'],
  files: (id: string) => ['project', id, 'files'],
  search: (id: string) => ['project', id, 'search'],
} as const

export interface ProjectFilter {
  q?: string | undefined
  status?: ProjectStatus | undefined
  sort?: ProjectSort | undefined
}

/** The projects that match, a page at a time. */
export function useProjects(filter: ProjectFilter) {
  const client = useStreamClient()
  const { q, status, sort } = filter
  return useInfiniteQuery({
    queryKey: [...keys.projects, { q, status, sort }],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const path = `/api/projects${queryOf({ q, status, sort, limit: 50, cursor: pageParam })}`
      return client.request<ProjectsPage>(path, { signal })
    },
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
}

/** One project's facts. */
export function useProject(projectId: string) {
  const client = useStreamClient()
  return useQuery({
    queryKey: keys.facts(projectId),
    queryFn: ({ signal }) => client.request<ProjectView>(pathOf(projectId), { signal }),
  })
}

/** Everything this project was ever asked to ingest, newest first. */
export function useIngestions(projectId: string) {
  const client = useStreamClient()
  return useInfiniteQuery({
    queryKey: keys.ingestions(projectId),
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const path = pathOf(projectId, '/ingestions', { limit: 50, cursor: pageParam })
      return client.request<Page<IngestionView>>(path, { signal })
    },
    getNextPageParam: (page) => page.next,
  })
}

export interface FileFilter {
  status?: string | undefined
  code?: string | undefined
  q?: string | undefined
  ingestion?: string | undefined
  sort?: string | undefined
}

/** The table of files, a page at a time. */
export function useFiles(projectId: string, filter: FileFilter) {
  const client = useStreamClient()
  return useInfiniteQuery({
    queryKey: [...keys.files(projectId), 'list', filter],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const path = pathOf(projectId, '/files', { ...filter, limit: 100, cursor: pageParam })
      return client.request<FilesPage>(path, { signal })
    },
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
}

/**
 * One file. `row` is what the list shows of it: of the two the newer counts, so that list and detail never say
 * different things of one file.
 */
export function useFile(projectId: string, fileId: string, row: FileView | undefined) {
  const client = useStreamClient()
  const answer = useQuery({
    queryKey: [...keys.files(projectId), 'one', fileId],
    queryFn: ({ signal }) =>
      client.request<FileDetailView>(pathOf(projectId, `/files/${encodeURIComponent(fileId)}`), { signal }),
  })
  const isOlder = row !== undefined && (answer.data === undefined || answer.data.updatedAt < row.updatedAt)
  const file: FileView | undefined = isOlder ? row : answer.data
  return { answer, file, detail: answer.data }
}

/** The passages of one file, a page at a time. */
export function usePassages(projectId: string, fileId: string, isWanted: boolean) {
  const client = useStreamClient()
  return useInfiniteQuery({
    queryKey: [...keys.files(projectId), 'passages', fileId],
    enabled: isWanted,
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const rest = `/files/${encodeURIComponent(fileId)}/passages`
      return client.request<Page<PassageView>>(pathOf(projectId, rest, { limit: 20, cursor: pageParam }), { signal })
    },
    getNextPageParam: (page) => page.next,
  })
}

/** Passages for what somebody typed; nothing is asked for an empty text. */
export function useSearch(projectId: string, text: string) {
  const client = useStreamClient()
  return useQuery({
    queryKey: [...keys.search(projectId), text],
    enabled: text.trim() !== '',
    queryFn: ({ signal }) =>
      client.request<{ items: SearchHitView[]; total?: number }>(pathOf(projectId, '/search', { q: text, limit: 30 }), {
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

/** At most this often a list is read again while its source moves, ms. */
const REFRESH_MS = 1000

/**
 * Reads a list again when `sign` changes, soon after the first change and then at most once in `everyMs`; the last
 * change is never lost.
 */
export function useRefreshOn(queryKey: readonly unknown[], sign: unknown, everyMs = REFRESH_MS): void {
  const queries = useQueryClient()
  const known = useRef({ sign, at: 0 })
  const name = JSON.stringify(queryKey)
  useEffect(() => {
    if (known.current.sign === sign) return
    const wait = Math.max(0, known.current.at + everyMs - performance.now())
    const timer = setTimeout(() => {
      known.current = { sign, at: performance.now() }
      void queries.invalidateQueries({ queryKey: JSON.parse(name) })
    }, wait)
    return () => clearTimeout(timer)
  }, [queries, name, sign, everyMs])
}
