import { useStream } from '@holdfast/react'
import { Button, Empty, Failure, Moment, ProgressBar, SkeletonRows, TONE_TEXT, useReport } from '@holdfast/ui'
import { Link, useNavigate } from '@tanstack/react-router'
import { FolderPlus, FolderTree } from 'lucide-react'
import { useEffect, useState } from 'react'
import { ingestionStream, PHASES } from '../streams.ts'
import { formatCount, type IngestionView, overallPercent, type ProjectView } from '../view.ts'
import { CreateProject } from './create-project.tsx'
import { DropTarget } from './drop-target.tsx'
import type { LocalFolder } from './dropped-files.ts'
import { DropOrChoose, PickButtons } from './pick-buttons.tsx'
import { useCreateProject, useProjects } from './queries.ts'
import { IngestionChip } from './status-chips.tsx'
import { useStartUpload } from './uploads.tsx'

/** All projects; a folder dropped here becomes one. */
export function ProjectsPage() {
  const list = useProjects()
  const [isCreating, setCreating] = useState(false)
  const takeFolder = useFolderAsProject()
  const projects = list.data?.pages.flatMap((page) => page.items) ?? []
  const total = list.data?.pages[0]?.total ?? 0
  useEffect(() => {
    document.title = 'Projects · Holdfast'
  }, [])
  return (
    <>
      <div className="mb-3 flex items-center gap-3">
        <h1 className="text-title font-bold">Projects</h1>
        {total > 0 && <span className="numbers text-ink-3">{formatCount(total)}</span>}
        {projects.length > 0 && (
          <span className="ml-auto flex items-center gap-3">
            <span className="hidden text-ink-3 md:pointer-fine:inline">Drop a folder anywhere to begin one</span>
            <Button look="primary" icon={FolderPlus} onClick={() => setCreating(true)} data-testid="new-project">
              New project
            </Button>
          </span>
        )}
      </div>
      {list.isPending && <SkeletonRows label="Reading the projects" />}
      {list.isError && (
        <Failure title="The projects could not be read" error={list.error} onRetry={() => list.refetch()} />
      )}
      {list.isSuccess && projects.length === 0 && (
        <FirstProject onFolder={takeFolder} onCreate={() => setCreating(true)} />
      )}
      {projects.length > 0 && <ProjectList projects={projects} />}
      {list.hasNextPage && (
        <Button className="mt-3" onClick={() => list.fetchNextPage()} disabled={list.isFetchingNextPage}>
          Show more
        </Button>
      )}
      <CreateProject open={isCreating} onOpenChange={setCreating} />
      <DropTarget invitation="Drop to begin a project with it" onFolder={takeFolder} />
    </>
  )
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

function FirstProject({ onFolder, onCreate }: { onFolder(folder: LocalFolder): void; onCreate(): void }) {
  return (
    <div data-testid="drop-zone" className="rounded-md border border-dashed border-line-strong bg-raised">
      <Empty
        icon={FolderTree}
        title={<DropOrChoose drop="Drop a folder of documents here" choose="Choose a folder of documents" />}
        action={
          <div className="flex flex-wrap justify-center gap-2">
            <PickButtons onFolder={onFolder} look="primary" />
            <Button icon={FolderPlus} onClick={onCreate}>
              Name a project first
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

function ProjectList({ projects }: { projects: ProjectView[] }) {
  const working = projects.filter(({ ingestion }) => ingestion?.status === 'working')
  const live = new Set(working.slice(0, LIVE_ROWS).map(({ id }) => id))
  return (
    <ul className="overflow-hidden rounded-md border border-line bg-raised" data-testid="projects">
      {projects.map((project) => (
        <li key={project.id} className="border-b border-line last:border-b-0">
          <ProjectRow project={project} isLive={live.has(project.id)} />
        </li>
      ))}
    </ul>
  )
}

function ProjectRow({ project, isLive }: { project: ProjectView; isLive: boolean }) {
  const { id, name, files, chunks, ingestion, createdAt } = project
  const failed = ingestion?.metrics?.filesFailed ?? ingestion?.result?.files.failed ?? 0
  return (
    <Link
      to="/projects/$projectId"
      params={{ projectId: id }}
      data-row
      data-testid="project-row"
      className="grid grid-cols-[1fr_auto] items-center gap-x-4 gap-y-1 px-3 py-2.5 -outline-offset-2 hover:bg-sunken md:grid-cols-[minmax(0,5fr)_minmax(0,5fr)_minmax(0,4fr)_5.5rem]"
    >
      <span className="truncate font-medium">{name}</span>
      <span className="order-3 col-span-2 md:order-none md:col-span-1">
        <IngestionLine ingestion={ingestion} isLive={isLive} />
      </span>
      <span className="numbers order-4 col-span-2 truncate text-dense text-ink-2 md:order-none md:col-span-1">
        {files === 0 ? 'Nothing to search yet' : `${formatCount(files)} files · ${formatCount(chunks)} passages`}
        {failed > 0 && <span className={TONE_TEXT.failed}> · {formatCount(failed)} failed</span>}
      </span>
      <span className="text-right text-dense text-ink-3">
        <Moment at={ingestion?.updatedAt ?? createdAt} />
      </span>
    </Link>
  )
}

/** How many working projects of the list are followed live; each is a connection of its own. */
const LIVE_ROWS = 20

function IngestionLine({ ingestion, isLive }: { ingestion: IngestionView | null; isLive: boolean }) {
  if (ingestion?.status === 'failed') return <FailedLine ingestion={ingestion} />
  if (ingestion?.status !== 'working') return <IngestionChip status={ingestion?.status ?? 'idle'} />
  if (isLive) return <LiveLine ingestion={ingestion} />
  return <WorkingLine ingestion={ingestion} phase={ingestion.currentPhase} percent={ingestion.progressPercent} />
}

function FailedLine({ ingestion }: { ingestion: IngestionView }) {
  return (
    <span className="flex items-center gap-2">
      <IngestionChip status="failed" />
      <span className="truncate text-dense text-ink-2" title={ingestion.error?.message}>
        {ingestion.error?.message}
      </span>
    </span>
  )
}

function LiveLine({ ingestion }: { ingestion: IngestionView }) {
  const { projectId, ingestionId } = ingestion
  const { state } = useStream(ingestionStream, { projectId, ingestionId })
  if (state.completedAt !== null) return <IngestionChip status={state.status} />
  // The answer of the list is the floor until the stream was read.
  const percent = Math.max(overallPercent(state), ingestion.progressPercent)
  return <WorkingLine ingestion={ingestion} phase={state.currentPhase || ingestion.currentPhase} percent={percent} />
}

function WorkingLine({ ingestion, phase, percent }: { ingestion: IngestionView; phase: number; percent: number }) {
  return (
    <span className="flex items-center gap-2">
      <IngestionChip status="working" />
      <span className="w-24">
        <ProgressBar key={ingestion.ingestionId} label="Whole ingestion" percent={percent} />
      </span>
      <span className="numbers truncate text-dense text-ink-2">
        {Math.floor(percent)} % · {PHASES[phase - 1] ?? PHASES[0]}
      </span>
    </span>
  )
}
