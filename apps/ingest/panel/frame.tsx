import { lazy, type ReactNode, Suspense } from 'react'
import { UploadsProvider, useUploads } from './uploads.tsx'
import { TabMarker } from './watching/tab-mark.tsx'
import { useWatched, WatchingProvider } from './watching/watching.tsx'

// Loaded when there is something to show: the first screen does without.
const RunningWork = lazy(() => import('./running-work.tsx'))

/** What outlives a change of page: uploads under way, and what is watched. */
export function IngestFrame({ children }: { children: ReactNode }) {
  return (
    <WatchingProvider>
      <UploadsProvider>
        {children}
        <Foot />
        <TabMarker />
      </UploadsProvider>
    </WatchingProvider>
  )
}

function Foot() {
  const uploads = useUploads()
  const watched = useWatched()
  if (uploads.length === 0 && watched.length === 0) return null
  return (
    <Suspense>
      <RunningWork uploads={uploads} />
    </Suspense>
  )
}
