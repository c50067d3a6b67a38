import type { RunDetails } from '@holdfast/protocol/runs'
import { useStreamClient } from '@holdfast/react'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type RunFilter, type RunSort, type WorkApi, workApi } from './api.ts'

/** Names of what is read about work, so that what changes can be read again. */
export const workKeys = {
  all: ['work'],
  lists: ['work', 'runs'],
  list: (filter: RunFilter, sort: RunSort) => ['work', 'runs', filter, sort],
  counts: ['work', 'count'],
  count: (filter: RunFilter) => ['work', 'count', filter],
  kinds: ['work', 'kinds'],
  /** One run: its facts, steps and log stand below. */
  run: (id: string) => ['work', 'run', id],
  facts: (id: string) => ['work', 'run', id, 'facts'],
  steps: (id: string) => ['work', 'run', id, 'steps'],
  log: (id: string) => ['work', 'run', id, 'log'],
  failures: ['work', 'failures'],
  decisions: ['work', 'decisions'],
  queues: ['work', 'queues'],
  entries: (queue: string) => ['work', 'queues', queue],
  schedules: ['work', 'schedules'],
  batch: (id: string) => ['work', 'batch', id],
} as const

/** Rows a page of a list holds. */
export const PAGE_SIZE = 50

/** The calls, over the page's client. */
export function useWorkApi(): WorkApi {
  const client = useStreamClient()
  return useMemo(() => workApi({ request: (path, init) => client.request(path, init) }), [client])
}

/** The runs that match, a page at a time. */
export function useRuns(filter: RunFilter, sort: RunSort) {
  const api = useWorkApi()
  return useInfiniteQuery({
    queryKey: workKeys.list(filter, sort),
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => api.runs(filter, { sort, limit: PAGE_SIZE, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
  })
}

/** How many match, and how many of them stand how. */
export function useRunCount(filter: RunFilter, options: { enabled?: boolean } = {}) {
  const api = useWorkApi()
  return useQuery({
    queryKey: workKeys.count(filter),
    queryFn: ({ signal }) => api.count(filter, signal),
    placeholderData: keepPreviousData,
    ...options,
  })
}

/** One run, whole. */
export function useRunDetails(id: string) {
  const api = useWorkApi()
  return useQuery<RunDetails>({
    queryKey: workKeys.facts(id),
    queryFn: ({ signal }) => api.run(id, signal),
    // Of an ended run no stream tells that it was tried again meanwhile.
    refetchOnMount: 'always',
  })
}

/** Queues, providers and workers. */
export function useQueues() {
  const api = useWorkApi()
  return useQuery({ queryKey: workKeys.queues, queryFn: ({ signal }) => api.queues(signal) })
}

/** The kinds of runs that some server knows. */
export function useKinds(options: { enabled?: boolean } = {}) {
  const api = useWorkApi()
  return useQuery({ queryKey: workKeys.kinds, queryFn: ({ signal }) => api.kinds(signal), ...options })
}
