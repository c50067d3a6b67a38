import { CircleSlash } from 'lucide-react'
import type { UseIngestionSocket } from '../client.ts'
import { type FileView, formatCount } from '../view.ts'
import { useProjectRoute } from './project-route.ts'
import { useFiles } from './queries.ts'

/** The failed files by cause, the most frequent first, so that one look tells what to mend. */
export function FailureGroups({ projectId, live }: { projectId: string; live: UseIngestionSocket }) {
  const { search } = useProjectRoute()
  const failed = live.state.result?.files.failed ?? live.metrics?.filesFailed ?? 0
  if (failed === 0 || (search.status !== undefined && search.status !== 'failed')) return null
  return <Groups projectId={projectId} ingestion={search.ingestion} />
}

function Groups({ projectId, ingestion }: { projectId: string; ingestion: string | undefined }) {
  const { data } = useFiles(projectId, { status: 'failed', ingestion })
  const files = data?.pages.flatMap((page) => page.items) ?? []
  const total = data?.pages[0]?.total ?? 0
  if (files.length === 0) return null
  return (
    <ul
      aria-label="Failures by cause"
      data-testid="failure-groups"
      className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-1 rounded-md border border-line bg-raised px-3 py-2 text-dense"
    >
      {byCode(files).map(({ code, reason, count }) => (
        <li key={code} className="flex items-center gap-1.5" title={code}>
          <CircleSlash size={13} aria-hidden="true" className="text-fail" />
          <span className="numbers font-mono text-fail">{formatCount(count)}</span>
          <span className="text-ink-2">{reason || code}</span>
        </li>
      ))}
      {total > files.length && <li className="text-ink-2">counted over the first {formatCount(files.length)}</li>}
    </ul>
  )
}

function byCode(files: FileView[]): { code: string; reason: string; count: number }[] {
  const groups = new Map<string, { code: string; reason: string; count: number }>()
  for (const file of files) {
    const code = file.code ?? 'UNKNOWN'
    const group = groups.get(code) ?? { code, reason: file.reason ?? '', count: 0 }
    groups.set(code, { ...group, count: group.count + 1 })
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}
