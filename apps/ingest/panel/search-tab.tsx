import { Empty, Failure, Field, SkeletonRows, useTypedText } from '@holdfast/ui'
import { Search, SearchX } from 'lucide-react'
import { Fragment, useEffect, useRef } from 'react'
import type { SearchHitView } from '../view.ts'
import { useProjectRoute } from './project-route.ts'
import { useSearch } from './queries.ts'

/** Search over everything the project knows: the best passages first. */
export function SearchTab({ projectId }: { projectId: string }) {
  const { search, choose } = useProjectRoute()
  const asked = search.q ?? ''
  const [text, setText] = useTypedText(asked, (typed) => choose({ q: typed || undefined }, { replace: true }))
  const result = useSearch(projectId, asked)
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    // A frame later: a press on the tab gives the tab the focus after this is drawn.
    const frame = requestAnimationFrame(() => box.current?.focus())
    return () => cancelAnimationFrame(frame)
  }, [])
  return (
    <>
      <search>
        <Field
          label="Search the passages"
          hideLabel
          type="search"
          placeholder="Words, or an “exact phrase”"
          icon={Search}
          value={text}
          onChange={(event) => setText(event.target.value)}
          data-search
          data-testid="search"
          ref={box}
          className="mb-3 max-w-160"
        />
      </search>
      {asked === '' ? (
        <Empty icon={Search} title="Search what was read">
          All words have to match; put “quotation marks” around an exact phrase. Each passage says where it stands.
        </Empty>
      ) : result.isPending ? (
        <SkeletonRows label="Searching" />
      ) : result.isError ? (
        <Failure title="The search did not work" error={result.error} onRetry={() => result.refetch()} />
      ) : (
        <Hits hits={result.data.items} text={asked} />
      )}
    </>
  )
}

function Hits({ hits, text }: { hits: SearchHitView[]; text: string }) {
  if (hits.length === 0) {
    return (
      <Empty icon={SearchX} title={`Nothing says “${text}”`}>
        Fewer or other words may find it. Files that failed or were skipped are not in the search.
      </Empty>
    )
  }
  return (
    <ol className="flex max-w-200 flex-col gap-2" aria-label="Passages">
      {hits.map((hit) => (
        <Hit key={`${hit.fileId} ${hit.start}`} hit={hit} />
      ))}
    </ol>
  )
}

function Hit({ hit }: { hit: SearchHitView }) {
  const place = hit.page === null ? linesOf(hit) : `page ${hit.page}`
  return (
    <li
      data-row
      data-testid="search-hit"
      tabIndex={-1}
      className="rounded-md border border-line bg-raised px-3 py-2.5 focus:border-accent"
    >
      <p className="mb-1 flex flex-wrap items-baseline gap-x-2 text-dense">
        <span className="min-w-0 break-all font-mono text-small">{hit.path}</span>
        <span className="numbers text-ink-3">{place}</span>
        {hit.headings.length > 0 && <span className="text-ink-2">{hit.headings.join(' › ')}</span>}
      </p>
      <p
        className={
          hit.type === 'code'
            ? 'line-clamp-8 break-words font-mono text-small whitespace-pre-wrap'
            : 'line-clamp-5 break-words whitespace-pre-line'
        }
      >
        <Marked text={hit.type === 'code' ? hit.text : unwrapped(hit.text)} spans={hit.highlights} />
      </p>
    </li>
  )
}

function linesOf({ lineStart, lineEnd }: SearchHitView): string {
  return lineStart === lineEnd ? `line ${lineStart}` : `lines ${lineStart}–${lineEnd}`
}

/** Lines that were broken at a width of their own run on; every character keeps its place, so spans stay true. */
function unwrapped(text: string): string {
  return text.replace(/(?<=[^\n]{48})\n(?=[\p{L}\p{N}("“'‘])/gu, ' ')
}

/** How much of a passage stands before its first match, characters. */
const LEAD = 160

function Marked({ text, spans }: { text: string; spans: [number, number][] }) {
  const first = spans[0]?.[0] ?? 0
  const from = first > LEAD ? text.lastIndexOf(' ', first - LEAD / 2) + 1 : 0
  let at = from
  return (
    <>
      {from > 0 && '… '}
      {spans.map(([start, end]) => {
        const before = text.slice(at, start)
        at = end
        return (
          <Fragment key={start}>
            {before}
            <mark>{text.slice(start, end)}</mark>
          </Fragment>
        )
      })}
      {text.slice(at)}
    </>
  )
}
