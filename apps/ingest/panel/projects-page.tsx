import { RequestError } from '@holdfast/client'
import { useStream } from '@holdfast/react'
import {
  Button,
  Empty,
  Failure,
  NewRows,
  NoPermission,
  SkeletonRows,
  useHeldRows,
  useHotkeys,
  usePage,
  useReport,
} from '@holdfast/ui'
import { useNavigate } from '@tanstack/react-router'
import { FolderPlus, FolderTree, SearchX } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { projectsStream } from '../streams.ts'
import { formatCount, type ProjectView } from '../view.ts'
import { useCreateProject } from './actions.ts'
import { DropTarget } from './drop-target.tsx'
import type { LocalFolder } from './dropped-files.ts'
import { useMayManage } from './me.ts'
import { DropOrChoose, PickButtons } from './pick-buttons.tsx'
import { ProjectRow } from './project-row.tsx'
import { ProjectFilters } from './projects-filters.tsx'
import { useProjectsRoute } from './projects-route.ts'
import { keys, useProjects, useRefreshOn } from './queries.ts'
import { useStartUpload } from './uploads.tsx'

const CreateProject = lazy(() => import('./create-project.tsx'))

const PROJECTS = projectsStream.name({})

/** All projects; a folder dropped here becomes one. */
export function ProjectsPage() {
  const { search, choose } = useProjectsRoute()
  const list = useProjects(search)
  const { offset } = useStream(projectsStream, {})
  useRefreshOn(keys.projects, offset)
  const [isCreating, setCreating] = useState(false)
  const mayManage = useMayManage(PROJECTS)
  const takeFolder = useFolderAsProject()
  usePage({ title: 'Projects' })
  useHotkeys({
    '/': { what: 'Search projects', run: () => document.querySelector<HTMLElement>('[data-search]')?.focus() },
  })
  const first = list.data?.pages[0]
  const all = first?.groups.reduce((sum, { projects }) => sum + projects, 0) ?? 0
  const isFiltered = search.q !== undefined || search.status !== undefined
  const isEmpty = list.isSuccess && all === 0 && !isFiltered
  if (list.error instanceof RequestError && list.error.status === 403) {
    return <NoPermission what="the list of projects" scope={`read:${PROJECTS}`} />
  }
  return (
    <>
      <div className="mb-3 flex min-h-8 items-center gap-3">
        <h1 className="text-title font-bold">Projects</h1>
        {first && !isEmpty && (
          <span className="numbers text-ink-3" data-testid="projects-total">
            {formatCount(first.total)}
            {isFiltered && (first.total === 1 ? ' that matches' : ' that match')}
          </span>
        )}
        {!isEmpty && mayManage && (
          <span className="ml-auto flex items-center gap-3">
            <span className="hidden text-ink-3 lg:pointer-fine:inline">Drop a folder anywhere to begin one</span>
            <Button look="primary" icon={FolderPlus} onClick={() => setCreating(true)} data-testid="new-project">
              New project
            </Button>
          </span>
        )}
      </div>
      {!isEmpty && first && <ProjectFilters groups={first.groups} search={search} onChoose={choose} />}
      {list.isPending && <SkeletonRows label="Reading the projects" />}
      {list.isError && (
        <Failure title="The projects could not be read" error={list.error} onRetry={() => list.refetch()} />
      )}
      {isEmpty && <FirstProject mayManage={mayManage} onFolder={takeFolder} onCreate={() => setCreating(true)} />}
      {list.isSuccess && !isEmpty && first?.items.length === 0 && (
        <NoMatch onClear={() => choose({ q: undefined, status: undefined })} />
      )}
      <ProjectList
        key={`${search.q} ${search.status} ${search.sort}`}
        projects={list.data?.pages.flatMap((page) => page.items) ?? []}
      />
      {list.hasNextPage && (
        <Button className="mt-3" onClick={() => list.fetchNextPage()} disabled={list.isFetchingNextPage}>
          Show more
        </Button>
      )}
      {isCreating && (
        <Suspense>
          <CreateProject open onOpenChange={setCreating} />
        </Suspense>
      )}
      {mayManage && <DropTarget invitation="Drop to begin a project with it" onFolder={takeFolder} />}
    </>
  )
}

/** How many projects of the list are followed live. */
const LIVE_ROWS = 20

function ProjectList({ projects }: { projects: ProjectView[] }) {
  const { shown, held, release } = useHeldRows(projects, idOf)
  const active = shown.filter(({ ingestion }) => ingestion?.status === 'working' || ingestion?.status === 'queued')
  const live = new Set(active.slice(0, LIVE_ROWS).map(idOf))
  if (shown.length === 0) return null
  return (
    <>
      <NewRows count={held} onShow={release} />
      <ul className="overflow-clip rounded-md border border-line bg-raised" data-testid="projects">
        {shown.map((project) => (
          <li key={project.id} className="border-b border-line last:border-b-0">
            <ProjectRow project={project} isLive={live.has(project.id)} />
          </li>
        ))}
      </ul>
    </>
  )
}

function idOf({ id }: ProjectView): string {
  return id
}

function useFolderAsProject(): (folder: LocalFolder) => void {
  const create = useCreateProject()
  const startUpload = useStartUpload()
  const navigate = useNavigate()
  const report = useReport()
  return (folder) =>
    create.mutate(folder.name, {
      onSuccess: (project) => {
        startUpload(project, folder)
        void navigate({ to: '/projects/$projectId', params: { projectId: project.id } })
      },
      onError: (error) => report(`The project ${folder.name} could not be made`, error),
    })
}

function NoMatch({ onClear }: { onClear(): void }) {
  return (
    <div className="rounded-md border border-line bg-raised" data-testid="no-match">
      <Empty
        icon={SearchX}
        title="No project is like that"
        action={<Button onClick={onClear}>Show all projects</Button>}
      >
        Another part of the name or another status may find it.
      </Empty>
    </div>
  )
}

interface FirstProjectProps {
  mayManage: boolean
  onFolder(folder: LocalFolder): void
  onCreate(): void
}

function FirstProject({ mayManage, onFolder, onCreate }: FirstProjectProps) {
  if (!mayManage) {
    return (
      <div className="rounded-md border border-line bg-raised">
        <Empty icon={FolderTree} title="No project yet">
          They appear here when somebody makes one. You may look, and not change anything.
        </Empty>
      </div>
    )
  }
  return (
    <div data-testid="drop-zone" className="rounded-md border border-dashed border-line-strong bg-raised">
      <Empty
        icon={FolderTree}
        title={<DropOrChoose drop="Drop a folder of documents here" choose="Choose a folder of documents" />}
        action={
          <div className="flex flex-wrap justify-center gap-2">
            <PickButtons onFolder={onFolder} look="primary" />
            <Button icon={FolderPlus} onClick={onCreate}>
              New empty project
            </Button>
          </div>
        }
      >
        A project turns documents into passages you can search: PDF, Word, HTML, Markdown, text and source code. You see
        every file on its way, and why one was left out. To try it, take any folder of notes or code.
      </Empty>
    </div>
  )
}
