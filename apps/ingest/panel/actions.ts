import { RequestError } from '@holdfast/client'
import { useStreamClient } from '@holdfast/react'
import { useReport, useToast } from '@holdfast/ui'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { AcceptedView, ProjectView, RetriedView } from '../view.ts'
import { keys } from './queries.ts'
import { cancelIngestion, json, pathOf } from './requests.ts'
import { useWatching } from './watching/watching.tsx'

export type RetryInput = { scope: 'all' } | { scope: 'phase'; phase: number } | { scope: 'file'; fileId: string }

/** A set of failed files: by a filter, or by their ids. */
export interface RetrySet {
  code?: string | undefined
  q?: string | undefined
  ingestion?: string | undefined
  fileIds?: string[] | undefined
  /** Of those that match, all but these. */
  exceptIds?: string[] | undefined
}

/** What can be asked of a project. Every mutation reads again what it changes; what it starts is watched. */
export function useProjectActions(projectId: string) {
  const client = useStreamClient()
  const queries = useQueryClient()
  const { watch } = useWatching()
  const settle = () => queries.invalidateQueries({ queryKey: keys.project(projectId) })
  const watchIt = ({ ingestionId }: { ingestionId: string }) => {
    const name = queries.getQueryData<ProjectView>(keys.facts(projectId))?.name ?? 'Project'
    watch?.({ projectId, ingestionId, name })
  }
  const start = useMutation({
    mutationFn: (source: object) => client.request<AcceptedView>(pathOf(projectId, '/ingestions'), json(source)),
    onSuccess: watchIt,
    onSettled: settle,
  })
  const cancel = useMutation({
    mutationFn: (ingestionId: string) => cancelIngestion(client, projectId, ingestionId),
    onSettled: settle,
  })
  const retry = useMutation({
    mutationFn: ({ ingestionId, ...input }: RetryInput & { ingestionId: string }) =>
      client.request<AcceptedView>(
        pathOf(projectId, `/ingestions/${encodeURIComponent(ingestionId)}/retry`),
        json(input),
      ),
    onSuccess: watchIt,
    onSettled: settle,
  })
  const retrySet = useMutation({
    mutationFn: (set: RetrySet) =>
      client.request<RetriedView>(pathOf(projectId, '/retry'), json({ scope: 'file', ...set })),
    onSuccess: ({ retries }) => retries.forEach(watchIt),
    onSettled: settle,
  })
  return { start, cancel, retry, retrySet }
}

/** Says that something is tried again, and takes it back by cancelling what was queued for it. */
export function useRetryToast(projectId: string) {
  const client = useStreamClient()
  const queries = useQueryClient()
  const toast = useToast()
  const report = useReport()
  return (title: string, ingestionIds: readonly string[]) => {
    const takeBack = async () => {
      try {
        await Promise.all(ingestionIds.map((id) => cancelIngestion(client, projectId, id)))
        toast({ title: 'The retry is cancelled', tone: 'quiet' })
      } catch (error) {
        const isOver = error instanceof RequestError && error.code === 'ALREADY_ENDED'
        if (isOver) toast({ title: 'It had already ended', tone: 'quiet' })
        else report('The retry could not be cancelled', error)
      } finally {
        void queries.invalidateQueries({ queryKey: keys.project(projectId) })
      }
    }
    toast({ title, undo: { label: 'Cancel it', run: () => void takeBack() } })
  }
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
