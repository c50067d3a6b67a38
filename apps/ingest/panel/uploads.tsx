import { useReport } from '@holdfast/ui'
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react'
import type { LocalFolder } from './dropped-files.ts'
import { keys } from './queries.ts'
import { type UploadProgress, upload } from './upload.ts'
import { useWatching } from './watching/watching.tsx'

export interface RunningUpload {
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

/** What this page is sending. */
export function useUploads(): readonly RunningUpload[] {
  return useContext(RunningContext)
}

/** Whether this page is sending something to the project. */
export function useIsUploading(projectId: string): boolean {
  return useContext(RunningContext).some((upload) => upload.projectId === projectId)
}

/** Keeps the uploads of this page. What has arrived is watched. */
export function UploadsProvider({ children }: { children: ReactNode }) {
  const [running, setRunning] = useState<RunningUpload[]>([])
  const count = useRef(0)
  const report = useReport()
  const queries = useQueryClient()
  const { watch } = useWatching()
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
        .then(({ ingestionId }) => watch?.({ projectId: project.id, ingestionId, name: project.name }))
        .catch((error: unknown) => {
          if (!controller.signal.aborted) report(`The upload to ${project.name} did not arrive`, error)
        })
        .finally(() => {
          setRunning((known) => known.filter((one) => one.id !== id))
          void queries.invalidateQueries({ queryKey: keys.project(project.id) })
        })
    },
    [report, queries, watch],
  )
  useLeaveWarning(running.length > 0)
  return (
    <StartContext value={start}>
      <RunningContext value={running}>{children}</RunningContext>
    </StartContext>
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
