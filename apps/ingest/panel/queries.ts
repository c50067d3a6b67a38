import { useStream, useStreamClient } from '@holdfast/react'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { projectsStream } from '../streams.ts'
import type { AcceptedView, FileStatus, FilesPage, IngestionView, Page, ProjectView, SearchHitView } from '../view.ts'

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

function pathOf(projectId: string, rest = '', params: Record<string, string | number | null | undefined> = {}): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return `/api/projects/${encodeURIComponent(projectId)}${rest}${query && `?${query}`}`
}

/** All projects, newest first; kept up by the stream of what changed. */
export function useProjects() {
  const client = useStreamClient()
  const list = useInfiniteQuery({
    queryKey: keys.projects,
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      client.request<Page<ProjectView>>(
        `/api/projects?limit=50${pageParam && `&cursor=${encodeURIComponent(pageParam)}`}`,
        {
          signal,
        },
      ),
    getNextPageParam: (page) => page.next,
  })
  const { offset } = useStream(projectsStream, {})
  useRefreshOn(keys.projects, offset)
  return list
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
  status?: FileStatus | undefined
  code?: string | undefined
  q?: string | undefined
  ingestion?: string | undefined
}

/** The table of files, a page at a time. */
export function useFiles(projectId: string, filter: FileFilter) {
  const client = useStreamClient()
  return useInfiniteQuery({
    queryKey: [...keys.files(projectId), filter],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const path = pathOf(projectId, '/files', { ...filter, limit: 100, cursor: pageParam })
      return client.request<FilesPage>(path, { signal })
    },
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
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
    placeholderData: (before) => before,
  })
}

export type RetryInput = { scope: 'all' } | { scope: 'phase'; phase: number } | { scope: 'file'; fileId: string }

/** What can be asked of a project. Every mutation reads again what it changes. */
export function useProjectActions(projectId: string) {
  const client = useStreamClient()
  const queries = useQueryClient()
  const settle = () => queries.invalidateQueries({ queryKey: keys.project(projectId) })
  const start = useMutation({
    mutationFn: (source: object) => client.request<AcceptedView>(pathOf(projectId, '/ingestions'), json(source)),
    onSettled: settle,
  })
  const cancel = useMutation({
    mutationFn: (ingestionId: string) =>
      client.request<unknown>(pathOf(projectId, `/ingestions/${encodeURIComponent(ingestionId)}/cancel`), json({})),
    onSettled: settle,
  })
  const retry = useMutation({
    mutationFn: ({ ingestionId, ...input }: RetryInput & { ingestionId: string }) =>
      client.request<AcceptedView>(
        pathOf(projectId, `/ingestions/${encodeURIComponent(ingestionId)}/retry`),
        json(input),
      ),
    onSettled: settle,
  })
  return { start, cancel, retry }
}

/** Makes a project. */
export function useCreateProject() {
  const client = useStreamClient()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => client.request<ProjectView>('/api/projects', json({ name })),
    onSuccess: (project) => {
      queries.setQueryData(keys.facts(project.id), project)
      return queries.invalidateQueries({ queryKey: keys.projects })
    },
  })
}

function json(body: object) {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** At most this often a list is read again while its source moves, ms. */
export const REFRESH_MS = 1000

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
