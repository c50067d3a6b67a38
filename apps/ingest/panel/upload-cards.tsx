import { Button, ProgressBar } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { X } from 'lucide-react'
import { formatBytes, formatCount } from '../view.ts'
import type { RunningUpload } from './uploads.tsx'

/** What this page is sending, apart from the ingestions' own progress. */
export function UploadCards({ uploads }: { uploads: readonly RunningUpload[] }) {
  return uploads.map((one) => <UploadCard key={one.id} upload={one} />)
}

function UploadCard({ upload: { projectId, projectName, files, progress, cancel } }: { upload: RunningUpload }) {
  const { bytesDone, bytesTotal } = progress
  const percent = bytesTotal === 0 ? 0 : (100 * bytesDone) / bytesTotal
  const amount = `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`
  return (
    <section
      aria-label="Upload"
      data-testid="upload"
      className="flex flex-wrap items-center gap-x-3 gap-y-0.5 border-b border-line py-1 pr-1 pl-3 text-dense last:border-b-0"
    >
      <p className="min-w-0 flex-1 truncate max-sm:basis-full">
        Uploading {formatCount(files)} {files === 1 ? 'file' : 'files'} to{' '}
        <Link to="/projects/$projectId" params={{ projectId }} className="font-medium hover:underline">
          {projectName}
        </Link>
      </p>
      <span className="w-32 shrink-0">
        <ProgressBar label="Upload" percent={percent} valueText={amount} />
      </span>
      <p className="numbers min-w-0 truncate text-ink-2 max-sm:flex-1">
        {percent >= 100 ? 'Sent. The server is storing it.' : `${amount}. Keep this page open until it is sent.`}
      </p>
      <Button look="quiet" small icon={X} onClick={cancel} aria-label="Cancel the upload" />
    </section>
  )
}
