import { Button, CopyLink, Failure, Moment, Skeleton, TONE_TEXT } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Check, CircleDashed, CircleSlash, RotateCw, SkipForward, X } from 'lucide-react'
import type { ReactNode } from 'react'
import { PHASES } from '../streams.ts'
import { type FileDetailView, type FileView, formatBytes, formatCount } from '../view.ts'
import { kindOf } from './file-kinds.ts'
import { PHASE_TITLES } from './phase-titles.ts'
import { useFile, usePassages } from './queries.ts'
import { FileChip } from './status-chips.tsx'
import { useRetryFiles } from './use-retry-files.ts'

interface FileDetailProps {
  projectId: string
  fileId: string
  /** What the list shows of it, where it is among what is loaded. */
  row: FileView | undefined
  mayRetry: boolean
  onClose(): void
}

/** One file: where it stands and why, what it is, and what was made of it. */
export function FileDetail({ projectId, fileId, row, mayRetry, onClose }: FileDetailProps) {
  const { answer, file, detail } = useFile(projectId, fileId, row)
  const retry = useRetryFiles(projectId)
  return (
    <article aria-label="File" data-testid="file-detail" className="rounded-md border border-line bg-raised">
      <div className="flex items-start gap-1 border-b border-line py-1.5 pr-1.5 pl-cell-x">
        <h2 className="min-w-0 flex-1 py-1 font-mono text-small leading-5 font-medium break-all">
          {file?.path ?? <Skeleton className="w-40" />}
        </h2>
        <CopyLink />
        <Button look="quiet" small icon={X} aria-label="Close the file" onClick={onClose} />
      </div>
      {answer.isError && !file && (
        <Failure title="This file could not be read" error={answer.error} onRetry={() => answer.refetch()} />
      )}
      {file && (
        <div className="flex flex-col gap-4 px-cell-x py-3">
          <Standing file={file} detail={detail} />
          {mayRetry && file.status === 'failed' && (
            <Button
              icon={RotateCw}
              className="self-start"
              onClick={() => retry({ fileIds: [file.id] }, 1)}
              data-testid="retry-this-file"
            >
              Retry this file
            </Button>
          )}
          <Facts projectId={projectId} file={file} detail={detail} />
          {file.chunks > 0 && <Passages projectId={projectId} fileId={fileId} count={file.chunks} />}
        </div>
      )}
    </article>
  )
}

const LOOKS = {
  passed: { icon: Check, tone: TONE_TEXT.done },
  failed: { icon: CircleSlash, tone: TONE_TEXT.failed },
  skipped: { icon: SkipForward, tone: TONE_TEXT.quiet },
  ahead: { icon: CircleDashed, tone: 'text-ink-3' },
} as const

/** The four phases as this file has gone through them, and why it went no further. */
function Standing({ file, detail }: { file: FileView; detail: FileDetailView | undefined }) {
  const phase = detail?.phase ?? 1
  const isOut = file.status === 'failed' || file.status === 'skipped'
  return (
    <div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <FileChip status={file.status} />
        {detail &&
          PHASES.map((name, index) => {
            const isThere = index === phase - 1
            const how = index < phase - 1 ? 'passed' : !isThere ? 'ahead' : isOut ? statusOf(file) : 'passed'
            const { icon: Icon, tone } = LOOKS[how]
            return (
              <span key={name} className={`inline-flex items-center gap-1 text-dense ${tone}`}>
                <Icon size={13} aria-hidden="true" />
                {PHASE_TITLES[name]}
                <span className="sr-only">{how}</span>
              </span>
            )
          })}
      </div>
      {file.reason && (
        <p className="mt-2 break-words" data-testid="file-reason">
          {file.reason} <span className="font-mono text-small text-ink-3">{file.code}</span>
        </p>
      )}
    </div>
  )
}

function statusOf({ status }: FileView): 'failed' | 'skipped' {
  return status === 'failed' ? 'failed' : 'skipped'
}

interface FactsProps {
  projectId: string
  file: FileView
  detail: FileDetailView | undefined
}

function Facts({ projectId, file, detail }: FactsProps) {
  return (
    <dl className="numbers grid grid-cols-[6rem_1fr] gap-x-3 gap-y-1 text-dense">
      {detail?.title && <Fact name="Title">{detail.title}</Fact>}
      <Fact name="Kind">{kindOf(file.type)}</Fact>
      <Fact name="Size">{formatBytes(file.size)}</Fact>
      {file.pages !== null && <Fact name="Pages">{formatCount(file.pages)}</Fact>}
      <Fact name="Passages">{formatCount(file.chunks)}</Fact>
      <Fact name="Changed">
        <Moment at={file.updatedAt} />
      </Fact>
      {detail && (
        <Fact name="Came from">
          <span className="font-mono text-small break-all">{detail.source.label}</span>
        </Fact>
      )}
      <Fact name="Ingestion">
        <Link
          to="/projects/$projectId"
          params={{ projectId }}
          search={(known: Record<string, unknown>) => ({ ...known, ingestion: file.ingestionId })}
          resetScroll={false}
          className="underline decoration-line-strong underline-offset-2 hover:text-ink"
        >
          the one that met it last
        </Link>
      </Fact>
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 break-words text-ink-2">{children}</dd>
    </>
  )
}

function Passages({ projectId, fileId, count }: { projectId: string; fileId: string; count: number }) {
  const list = usePassages(projectId, fileId, true)
  const passages = list.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <section aria-label="Passages">
      <h3 className="mb-2 text-dense font-medium">
        {formatCount(count)} {count === 1 ? 'passage' : 'passages'}
      </h3>
      {list.isPending && <Skeleton className="h-20" />}
      {list.isError && (
        <Failure title="The passages could not be read" error={list.error} onRetry={() => list.refetch()} />
      )}
      <ol className="flex flex-col gap-3">
        {passages.map(({ ordinal, text, page, lineStart, lineEnd, headings }) => (
          <li key={ordinal} data-testid="passage" className="border-l-2 border-line pl-3 text-dense">
            <p className="numbers text-small text-ink-3">
              {page === null
                ? lineStart === lineEnd
                  ? `line ${lineStart}`
                  : `lines ${lineStart}–${lineEnd}`
                : `page ${page}`}
              {headings.length > 0 && ` · ${headings.join(' › ')}`}
            </p>
            <p className="line-clamp-6 break-words whitespace-pre-line text-ink-2">{text}</p>
          </li>
        ))}
      </ol>
      {list.hasNextPage && (
        <Button small className="mt-3" onClick={() => list.fetchNextPage()} disabled={list.isFetchingNextPage}>
          Show more
        </Button>
      )}
    </section>
  )
}
