import { Button, ProgressBar, useReport } from '@holdfast/ui'
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { X } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react'
import { formatBytes, formatCount } from '../view.ts'
import type { LocalFolder } from './dropped-files.ts'
import { keys } from './queries.ts'
import { type UploadProgress, upload } from './upload.ts'

interface RunningUpload {
  id: number
  projectId: string
  projectName: string
  files: number
  progress: UploadProgress
  cancel(): void
}

type StartUpload = (project: { id: string; name: string }, folder: LocalFolder) => void

const StartContext = createContext<StartUpload>(() => {})
const RunningContext = createContext<readonly RunningUpload[]>([])

/** Starts an upload that goes on while the page is changed. */
export function useStartUpload(): StartUpload {
  return useContext(StartContext)
}

/** Whether this page is sending something to the project. */
export function useIsUploading(projectId: string): boolean {
  return useContext(RunningContext).some((upload) => upload.projectId === projectId)
}

/** Keeps the uploads of this page and shows them at its foot, apart from the ingestion's own progress. */
export function Uploads({ children }: { children: ReactNode }) {
  const [running, setRunning] = useState<RunningUpload[]>([])
  const count = useRef(0)
  const report = useReport()
  const queries = useQueryClient()
  const start = useCallback<StartUpload>(
    (project, { files }) => {
      const id = ++count.current
      const controller = new AbortController()
      const bytesTotal = files.reduce((sum, { file }) => sum + file.size, 0)
      const begun: RunningUpload = {
        id,
        projectId: project.id,
        projectName: project.name,
        files: files.length,
        progress: { bytesDone: 0, bytesTotal },
        cancel: () => controller.abort(),
      }
      setRunning((known) => [...known, begun])
      const onProgress = (progress: UploadProgress) =>
        setRunning((known) => known.map((one) => (one.id === id ? { ...one, progress } : one)))
      upload(`/api/projects/${encodeURIComponent(project.id)}/ingestions`, files, controller.signal, onProgress)
        .catch((error: unknown) => {
          if (!controller.signal.aborted) report(`The upload to ${project.name} did not arrive`, error)
        })
        .finally(() => {
          setRunning((known) => known.filter((one) => one.id !== id))
          void queries.invalidateQueries({ queryKey: keys.project(project.id) })
        })
    },
    [report, queries],
  )
  useLeaveWarning(running.length > 0)
  return (
    <StartContext value={start}>
      <RunningContext value={running}>{children}</RunningContext>
      {running.length > 0 && (
        <div className="fixed right-4 bottom-4 left-4 z-30 flex flex-col gap-2 sm:left-auto sm:w-96">
          {running.map((one) => (
            <UploadCard key={one.id} upload={one} />
          ))}
        </div>
      )}
    </StartContext>
  )
}

function UploadCard({ upload: { projectId, projectName, files, progress, cancel } }: { upload: RunningUpload }) {
  const { bytesDone, bytesTotal } = progress
  const percent = bytesTotal === 0 ? 0 : (100 * bytesDone) / bytesTotal
  const amount = `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`
  return (
    <section
      aria-label="Upload"
      data-testid="upload"
      className="appear flex flex-col gap-2 rounded-md border border-line-strong bg-raised p-3 shadow-float"
    >
      <div className="flex items-center gap-2">
        <p className="min-w-0 flex-1 truncate">
          Uploading {formatCount(files)} {files === 1 ? 'file' : 'files'} to{' '}
          <Link to="/projects/$projectId" params={{ projectId }} className="font-medium underline">
            {projectName}
          </Link>
        </p>
        <Button small icon={X} onClick={cancel}>
          Cancel
        </Button>
      </div>
      <ProgressBar label="Upload" percent={percent} valueText={amount} />
      <p className="numbers text-dense text-ink-2">
        {percent >= 100 ? 'Sent. The server is storing it.' : `${amount}. Keep this page open until it is sent.`}
      </p>
    </section>
  )
}

/** Asks before the page is closed while something is still being sent. */
function useLeaveWarning(isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded) return
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', warn)
    return () => window.removeEventListener('beforeunload', warn)
  }, [isNeeded])
}
