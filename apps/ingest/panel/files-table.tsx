import { Button, useReport } from '@holdfast/ui'
import { RotateCw } from 'lucide-react'
import { type KeyboardEvent, useEffect, useEffectEvent, useRef, useState } from 'react'
import { type FileView, formatBytes, formatCount } from '../view.ts'
import { FilePath } from './file-path.tsx'
import { useProjectRoute } from './project-route.ts'
import { useProjectActions } from './queries.ts'
import { FileChip } from './status-chips.tsx'

interface FilesTableProps {
  projectId: string
  files: FileView[]
  total: number
  hasMore: boolean
  onMore(): void
  /** A file can be tried again once the ingestion has ended. */
  isEnded: boolean
}

/** The files. On a phone each row folds into two lines. */
export function FilesTable({ projectId, files, total, hasMore, onMore, isEnded }: FilesTableProps) {
  const retry = useRetryFile(projectId)
  return (
    <div className="overflow-hidden rounded-md border border-line bg-raised">
      <table className="w-full table-fixed border-collapse text-dense" data-testid="files" aria-rowcount={total}>
        <thead className="border-b border-line text-left text-ink-3 max-md:sr-only">
          <tr>
            <Head className="w-[42%]">File</Head>
            <Head className="w-24 max-lg:hidden">Kind</Head>
            <Head className="w-20 text-right">Size</Head>
            <Head className="w-24 text-right max-lg:hidden">Passages</Head>
            <Head className="w-28">Status</Head>
            <Head>Reason</Head>
            <Head className="w-12">
              <span className="sr-only">Retry</span>
            </Head>
          </tr>
        </thead>
        <tbody>
          {files.map((file) => (
            <FileRow key={file.id} file={file} onRetry={isEnded && file.status === 'failed' ? retry : undefined} />
          ))}
        </tbody>
      </table>
      {hasMore && <More shown={files.length} total={total} onMore={onMore} />}
    </div>
  )
}

function Head({ className = '', children }: { className?: string; children: React.ReactNode }) {
  return <th className={`px-3 py-2 font-medium ${className}`}>{children}</th>
}

function useRetryFile(projectId: string): (file: FileView) => void {
  const { retry } = useProjectActions(projectId)
  const { choose } = useProjectRoute()
  const report = useReport()
  return ({ id, path, ingestionId }) =>
    retry.mutate(
      { scope: 'file', fileId: id, ingestionId },
      {
        onSuccess: () => choose({ ingestion: undefined }),
        onError: (error) => report(`${path} could not be tried again`, error),
      },
    )
}

const KINDS: Record<string, string> = {
  markdown: 'Markdown',
  text: 'Text',
  html: 'HTML',
  pdf: 'PDF',
  docx: 'Word',
  code: 'Code',
}

function kindOf(type: string | null): string {
  return type === null ? '–' : (KINDS[type] ?? type)
}

function FileRow({ file, onRetry }: { file: FileView; onRetry: ((file: FileView) => void) | undefined }) {
  // What changes while it is looked at flashes once.
  const [firstStatus] = useState(file.status)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'r' || event.metaKey || event.ctrlKey || !onRetry) return
    event.preventDefault()
    onRetry(file)
  }
  return (
    <tr
      data-row
      data-testid="file-row"
      data-status={file.status}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      className="lazy-row border-b border-line -outline-offset-2 last:border-b-0 hover:bg-sunken focus:bg-sunken max-md:grid max-md:grid-cols-[1fr_auto] max-md:gap-x-2 max-md:px-3 max-md:py-2"
    >
      <td className="px-3 py-2 max-md:p-0">
        <FilePath path={file.path} />
      </td>
      <td className="truncate px-3 py-2 text-ink-2 max-lg:hidden">{kindOf(file.type)}</td>
      <td className="numbers px-3 py-2 text-right whitespace-nowrap text-ink-2 max-md:hidden">
        {formatBytes(file.size)}
      </td>
      <td className="numbers px-3 py-2 text-right text-ink-2 max-lg:hidden">
        {file.chunks > 0 ? formatCount(file.chunks) : '–'}
      </td>
      <td className="px-3 py-2 max-md:p-0">
        <span key={file.status} className={file.status === firstStatus ? undefined : 'flash'}>
          <FileChip status={file.status} />
        </span>
      </td>
      <td
        className="px-3 py-2 text-ink-2 max-md:col-start-1 max-md:p-0"
        title={file.reason ? `${file.reason} (${file.code})` : undefined}
      >
        {file.reason && <span className="line-clamp-2">{file.reason}</span>}
      </td>
      <td className="px-2 py-1 text-right max-md:p-0">
        {onRetry && (
          <Button
            look="quiet"
            small
            icon={RotateCw}
            aria-label={`Retry ${file.path}`}
            onClick={() => onRetry(file)}
            data-testid="retry-file"
          />
        )}
      </td>
    </tr>
  )
}

/** Reads on when the end of the list comes near; the button is for keyboards. */
function More({ shown, total, onMore }: { shown: number; total: number; onMore(): void }) {
  const ref = useRef<HTMLDivElement>(null)
  const more = useEffectEvent(onMore)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && more(), {
      rootMargin: '400px',
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return (
    <div ref={ref} className="flex items-center gap-3 border-t border-line px-3 py-2">
      <Button small onClick={onMore}>
        Show more
      </Button>
      <span className="numbers text-dense text-ink-3">
        {formatCount(shown)} of {formatCount(total)}
      </span>
    </div>
  )
}
