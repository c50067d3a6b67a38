import type { ReactNode } from 'react'
import { UploadCards } from './upload-cards.tsx'
import { UploadsProvider, useUploads } from './uploads.tsx'
import { Dock } from './watching/dock.tsx'
import { Notifier } from './watching/notifier.tsx'
import { TabMarker } from './watching/tab-mark.tsx'
import { WatchingTray } from './watching/tray.tsx'
import { useWatched, WatchingProvider } from './watching/watching.tsx'

/** What outlives a change of page: uploads under way, and what is watched. */
export function IngestFrame({ children }: { children: ReactNode }) {
  return (
    <WatchingProvider>
      <UploadsProvider>
        {children}
        <Foot />
        <TabMarker />
        <Notifier />
      </UploadsProvider>
    </WatchingProvider>
  )
}

function Foot() {
  const uploads = useUploads()
  const watched = useWatched()
  if (uploads.length === 0 && watched.length === 0) return null
  return (
    <Dock label="Running work">
      <UploadCards uploads={uploads} />
      <WatchingTray />
    </Dock>
  )
}
