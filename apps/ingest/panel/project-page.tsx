import { RequestError } from '@holdfast/client'
import {
  Button,
  buttonClass,
  CopyLink,
  Empty,
  Failure,
  NoPermission,
  Skeleton,
  TabPanel,
  Tabs,
  useHotkeys,
  usePage,
} from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { FolderUp, Plus } from 'lucide-react'
import { useState } from 'react'
import { type UseIngestionSocket, useIngestionSocket } from '../client.ts'
import { overallPercent, type ProjectView } from '../view.ts'
import { AddDocuments } from './add-documents.tsx'
import { DropTarget } from './drop-target.tsx'
import type { LocalFolder } from './dropped-files.ts'
import { FilesTab } from './files-tab.tsx'
import { HistoryTab } from './history-tab.tsx'
import { IngestionActions, WatchToggle } from './ingestion-actions.tsx'
import { IngestionOverview, OverviewSkeleton } from './ingestion-overview.tsx'
import { useMayManage } from './me.ts'
import { DropOrChoose, PickButtons } from './pick-buttons.tsx'
import { type TabName, useProjectRoute } from './project-route.ts'
import { keys, useProject, useRefreshOn } from './queries.ts'
import { SearchTab } from './search-tab.tsx'
import { IngestionChip } from './status-chips.tsx'
import { useIsUploading, useStartUpload } from './uploads.tsx'
import { useTabMark } from './watching/tab-mark.tsx'

/** One project: how its ingestion is going, its files, a search over them, its history. */
export function ProjectPage() {
  const { projectId } = useProjectRoute()
  const project = useProject(projectId)
  if (project.error instanceof RequestError && project.error.status === 403) {
    return (
      <NoPermission
        what="this project"
        scope={`read:projects/${projectId}/*`}
        action={
          <Link to="/" className={buttonClass()}>
            Go to all projects
          </Link>
        }
      />
    )
  }
  const isMissing = project.error instanceof RequestError && project.error.status === 404
  // What was read before stays when reading it again fails: what is watched goes on, and the mark tells how.
  if (project.isLoadingError || isMissing) {
    return (
      <Failure
        title={isMissing ? 'There is no such project' : 'This project could not be read'}
        error={project.error}
        {...(!isMissing && { onRetry: () => project.refetch() })}
      >
        <Link to="/" className="mt-1 inline-block underline">
          Go to all projects
        </Link>
      </Failure>
    )
  }
  // Another project starts anew: nothing of one is shown under the name of the other.
  return <LiveProject key={projectId} projectId={projectId} project={project.data} />
}

function LiveProject({ projectId, project }: { projectId: string; project: ProjectView | undefined }) {
  const { search } = useProjectRoute()
  const [isAdding, setAdding] = useState(false)
  const live = useIngestionSocket(projectId, search.ingestion === undefined ? {} : { ingestionId: search.ingestion })
  const startUpload = useStartUpload()
  useRefreshOn(keys.project(projectId), `${live.view?.ingestionId} ${live.status} ${live.project.queued.join()}`)
  const percent = live.status === 'working' ? Math.floor(overallPercent(live.state)) : null
  usePage({
    title: project?.name ?? 'Project',
    trail: [{ label: 'Projects', to: '/' }],
    note: percent === null ? undefined : `${percent} %`,
  })
  useTabMark(percent)
  const mayManage = useMayManage(`projects/${projectId}`)
  const name = project?.name ?? 'this project'
  const takeFolder = (folder: LocalFolder) => {
    setAdding(false)
    startUpload({ id: projectId, name }, folder)
  }
  return (
    <>
      <Header projectId={projectId} project={project} live={live} mayManage={mayManage} onAdd={() => setAdding(true)} />
      {live.view === null && live.connectionError && !live.connectionError.retry ? (
        <Failure title="This ingestion could not be read" error={live.connectionError} onRetry={live.reconnect} />
      ) : live.status === 'loading' ? (
        <OverviewSkeleton />
      ) : live.status === 'idle' ? (
        <FirstDocuments
          projectId={projectId}
          mayManage={mayManage}
          onFolder={takeFolder}
          onOther={() => setAdding(true)}
        />
      ) : (
        <>
          <IngestionOverview projectId={projectId} live={live} />
          <ProjectTabs live={live} />
        </>
      )}
      <AddDocuments projectId={projectId} open={isAdding} onOpenChange={setAdding} onFolder={takeFolder} />
      {mayManage && <DropTarget invitation={`Drop to add it to ${name}`} onFolder={takeFolder} />}
    </>
  )
}

interface HeaderProps {
  projectId: string
  project: ProjectView | undefined
  live: UseIngestionSocket
  mayManage: boolean
  onAdd(): void
}

function Header({ projectId, project, live, mayManage, onAdd }: HeaderProps) {
  // One primary action a screen: an empty project has it in its middle, a failed one retries.
  const isFirst = live.status === 'done'
  const name = project?.name ?? ''
  return (
    <div className="mb-3 flex flex-wrap items-center gap-x-3 gap-y-2">
      <h1 className="line-clamp-2 min-w-0 break-words text-title font-bold" title={name}>
        {project?.name ?? <Skeleton className="h-6 w-40" />}
      </h1>
      {live.status === 'loading' ? <Skeleton className="h-5 w-20" /> : <IngestionChip status={live.status} />}
      <div className="ml-auto flex flex-wrap items-center gap-2">
        <span className="max-sm:hidden">
          <CopyLink />
        </span>
        <WatchToggle projectId={projectId} name={name} live={live} />
        {mayManage && (
          <>
            <IngestionActions projectId={projectId} name={name} live={live} />
            <Button look={isFirst ? 'primary' : 'secondary'} icon={Plus} onClick={onAdd} data-testid="add-documents">
              Add documents
            </Button>
          </>
        )}
      </div>
    </div>
  )
}

interface FirstDocumentsProps {
  projectId: string
  mayManage: boolean
  onFolder(folder: LocalFolder): void
  onOther(): void
}

function FirstDocuments({ projectId, mayManage, onFolder, onOther }: FirstDocumentsProps) {
  const isUploading = useIsUploading(projectId)
  if (isUploading) {
    return (
      <div className="rounded-md border border-line bg-raised">
        <Empty icon={FolderUp} title="The files are on their way">
          The ingestion begins when all of them have arrived.
        </Empty>
      </div>
    )
  }
  if (!mayManage) {
    return (
      <div className="rounded-md border border-line bg-raised">
        <Empty icon={FolderUp} title="Nothing was ingested yet">
          It appears here when somebody adds documents. You may look, and not change anything.
        </Empty>
      </div>
    )
  }
  return (
    <div data-testid="drop-zone" className="rounded-md border border-dashed border-line-strong bg-raised">
      <Empty
        icon={FolderUp}
        title={<DropOrChoose drop="Drop a folder or files here" choose="Choose a folder or files" />}
        action={
          <div className="flex flex-wrap justify-center gap-2">
            <PickButtons onFolder={onFolder} look="primary" />
            <Button onClick={onOther}>Path, URL or repository</Button>
          </div>
        }
      >
        PDF, Word, HTML, Markdown, text and source code become passages you can search. Nothing is changed in your
        folder.
      </Empty>
    </div>
  )
}

function ProjectTabs({ live }: { live: UseIngestionSocket }) {
  const { projectId, search, choose } = useProjectRoute()
  const goSearch = () => (search.tab === 'search' ? focusSearch() : choose({ tab: 'search' }))
  useHotkeys({ '/': { what: 'Search the passages', run: goSearch } })
  const tabs: { name: TabName; title: string }[] = [
    { name: 'files', title: 'Files' },
    { name: 'search', title: 'Search' },
    { name: 'history', title: 'History' },
  ]
  return (
    <div className="mt-5">
      <Tabs label="Project" value={search.tab} onChange={(tab) => choose({ tab })} tabs={tabs}>
        <TabPanel name="files">
          <FilesTab projectId={projectId} live={live} />
        </TabPanel>
        <TabPanel name="search">
          <SearchTab projectId={projectId} />
        </TabPanel>
        <TabPanel name="history">
          <HistoryTab projectId={projectId} shown={live.view?.ingestionId ?? null} />
        </TabPanel>
      </Tabs>
    </div>
  )
}

function focusSearch(): void {
  document.querySelector<HTMLElement>('[data-search]')?.focus()
}
