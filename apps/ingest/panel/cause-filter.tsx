import { classNames, TONE_TEXT } from '@holdfast/ui'
import { CircleSlash, SkipForward, X } from 'lucide-react'
import { FILE_CODES, type FileCode, type FileGroup, type FileStatus, formatCount } from '../view.ts'
import type { ProjectSearch } from './project-route.ts'

interface CauseFilterProps {
  groups: FileGroup[]
  status: FileStatus | undefined
  code: string | undefined
  onChoose(change: Partial<ProjectSearch>): void
}

/**
 * The failed files by cause (the skipped ones where those are looked at), the most frequent first: one look tells what
 * to mend, and each leads to its files.
 */
export function CauseFilter({ groups, status, code, onChoose }: CauseFilterProps) {
  const shown = status ?? 'failed'
  const causes = groups.filter((group) => group.status === shown && group.code !== null)
  if (causes.length === 0) return null
  const isFailed = shown === 'failed'
  const Icon = isFailed ? CircleSlash : SkipForward
  return (
    <ul aria-label={isFailed ? 'Failures by cause' : 'Skipped by reason'} className="mb-3 flex flex-wrap gap-2">
      {causes
        .toSorted((a, b) => b.files - a.files)
        .map((cause) => (
          <li key={cause.code}>
            <button
              type="button"
              data-testid="cause"
              data-code={cause.code}
              aria-pressed={cause.code === code}
              title={cause.code ?? undefined}
              onClick={() =>
                onChoose(cause.code === code ? { code: undefined } : { status: shown, code: cause.code ?? '' })
              }
              className="flex items-center gap-1.5 rounded-md border border-line bg-raised px-2 py-1 text-left text-dense hover:bg-sunken aria-pressed:border-accent pointer-coarse:min-h-10"
            >
              <Icon size={13} aria-hidden="true" className={classNames('shrink-0', isFailed && TONE_TEXT.failed)} />
              <span className={classNames('numbers font-mono', isFailed && TONE_TEXT.failed)}>
                {formatCount(cause.files)}
              </span>
              <span className="text-ink-2">{reasonOf(cause.code)}</span>
              {cause.code === code && <X size={13} aria-label="Show all causes" className="shrink-0" />}
            </button>
          </li>
        ))}
    </ul>
  )
}

function reasonOf(code: string | null): string | null {
  return code !== null && Object.hasOwn(FILE_CODES, code) ? FILE_CODES[code as FileCode].reason : code
}
