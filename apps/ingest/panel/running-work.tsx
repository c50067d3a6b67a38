import { UploadCards } from './upload-cards.tsx'
import type { RunningUpload } from './uploads.tsx'
import { Dock } from './watching/dock.tsx'
import { Notifier } from './watching/notifier.tsx'
import { WatchingTray } from './watching/tray.tsx'

/** What runs, at the foot of every page: uploads of this page, and what is watched. */
export default function RunningWork({ uploads }: { uploads: readonly RunningUpload[] }) {
  return (
    <>
      <Dock label="Running work">
        <UploadCards uploads={uploads} />
        <WatchingTray />
      </Dock>
      <Notifier />
    </>
  )
}
