import { useNavigate, useSearch } from '@tanstack/react-router'
import { PROJECT_SORTS, type ProjectSort, type ProjectStatus } from '../view.ts'

export const PROJECT_STATUSES = [
  'working',
  'queued',
  'failed',
  'cancelled',
  'done',
  'idle',
] as const satisfies ProjectStatus[]

/** What stands in the address of the list of projects. */
export interface ProjectsSearch {
  /** Part of a name. */
  q: string | undefined
  status: ProjectStatus | undefined
  /** Absent: newest first. */
  sort: ProjectSort | undefined
}

/** What is chosen on the list of projects, and the way to choose (kept in the address). */
export function useProjectsRoute() {
  const given = useSearch({ strict: false }) as Record<string, string | undefined>
  const navigate = useNavigate()
  const search: ProjectsSearch = {
    q: given.q || undefined,
    status: PROJECT_STATUSES.find((name) => name === given.status),
    sort: PROJECT_SORTS.find((name) => name === given.sort),
  }
  /** Changes part of the address. What is typed replaces the entry in the history, the rest adds one. */
  const choose = (change: Partial<ProjectsSearch>, how: { replace?: boolean } = {}) => {
    const next = { ...search, ...change }
    const params = { ...next, sort: next.sort === 'newest' ? undefined : next.sort }
    void navigate({ to: '/', search: params, ...how, resetScroll: false })
  }
  return { search, choose }
}
