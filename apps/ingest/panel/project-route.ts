import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { FILE_SORTS, type FileSort, type FileStatus } from '../view.ts'

export const TABS = ['files', 'search', 'history'] as const
export type TabName = (typeof TABS)[number]
export const FILE_FILTERS = [
  'failed',
  'skipped',
  'done',
  'found',
  'extracted',
  'chunked',
] as const satisfies FileStatus[]

/** What stands in a project page's address beside the project. */
export interface ProjectSearch {
  tab: TabName
  /** An ingestion other than the one followed by default. */
  ingestion: string | undefined
  /** Filter of the files' table. */
  status: FileStatus | undefined
  /** Only files with this reason. */
  code: string | undefined
  /** Part of a file's path. */
  path: string | undefined
  /** The table's order; absent: by path. */
  sort: FileSort | undefined
  /** The file whose detail is open. */
  file: string | undefined
  /** Whether the phases are folded; absent: as last left on this device. */
  phases: 'open' | 'closed' | undefined
  /** What is searched for in the passages. */
  q: string | undefined
}

/** The id in the address, what is chosen on the page, and the way to choose (kept in the address). */
export function useProjectRoute() {
  const { projectId = '' } = useParams({ strict: false }) as { projectId?: string }
  const given = useSearch({ strict: false }) as Record<string, string | undefined>
  const navigate = useNavigate()
  const search: ProjectSearch = {
    tab: TABS.find((name) => name === given.tab) ?? 'files',
    ingestion: given.ingestion || undefined,
    status: FILE_FILTERS.find((name) => name === given.status),
    code: given.code || undefined,
    path: given.path || undefined,
    sort: FILE_SORTS.find((name) => name === given.sort),
    file: given.file || undefined,
    phases: given.phases === 'open' || given.phases === 'closed' ? given.phases : undefined,
    q: given.q || undefined,
  }
  /** Changes part of the address. What is typed replaces the entry in the history, the rest adds one. */
  const choose = (change: Partial<ProjectSearch>, how: { replace?: boolean } = {}) => {
    const next = { ...search, ...change }
    const isFiles = next.tab === 'files'
    // A file stands open beside the files only.
    const params = { ...next, tab: isFiles ? undefined : next.tab, file: isFiles ? next.file : undefined }
    void navigate({ to: '/projects/$projectId', params: { projectId }, search: params, ...how, resetScroll: false })
  }
  return { projectId, search, choose }
}
