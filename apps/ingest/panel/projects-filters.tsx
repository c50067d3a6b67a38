import { Button, Field, FilterChips, Options, useTypedText } from '@holdfast/ui'
import { ArrowDownUp, ListFilter, Search } from 'lucide-react'
import type { ProjectSort, ProjectStatus, ProjectsPage } from '../view.ts'
import { PROJECT_STATUSES, type ProjectsSearch } from './projects-route.ts'
import { INGESTION_LOOKS } from './status-chips.tsx'

interface ProjectFiltersProps {
  groups: ProjectsPage['groups']
  search: ProjectsSearch
  onChoose(change: Partial<ProjectsSearch>, how?: { replace?: boolean }): void
}

const SORT_WORDS: Record<ProjectSort, string> = {
  newest: 'Newest first',
  name: 'By name',
  active: 'Moved last first',
}

/** Search, status and order of the list; what is on stands below as chips that can be removed. */
export function ProjectFilters({ groups, search, onChoose }: ProjectFiltersProps) {
  const { q, status, sort } = search
  const [text, setText] = useTypedText(q ?? '', (typed) => onChoose({ q: typed || undefined }, { replace: true }))
  const chips = [
    ...(q ? [{ name: 'Name', value: q, onRemove: () => onChoose({ q: undefined }) }] : []),
    ...(status
      ? [{ name: 'Status', value: INGESTION_LOOKS[status].word, onRemove: () => onChoose({ status: undefined }) }]
      : []),
    ...(sort && sort !== 'newest'
      ? [{ name: 'Order', value: SORT_WORDS[sort].toLowerCase(), onRemove: () => onChoose({ sort: undefined }) }]
      : []),
  ]
  return (
    <div className="mb-3 flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <search className="min-w-0 flex-1 sm:max-w-80">
          <Field
            label="Search projects by name"
            hideLabel
            type="search"
            placeholder="Search projects"
            icon={Search}
            value={text}
            onChange={(event) => setText(event.target.value)}
            data-search
            data-testid="project-search"
          />
        </search>
        <StatusMenu groups={groups} value={status} onChange={(next) => onChoose({ status: next })} />
        <Options
          label="Order"
          trigger={
            <Button icon={ArrowDownUp} data-testid="project-sort" aria-label={`Order: ${SORT_WORDS[sort ?? 'newest']}`}>
              <span className="max-sm:hidden">{SORT_WORDS[sort ?? 'newest']}</span>
            </Button>
          }
          options={(Object.keys(SORT_WORDS) as ProjectSort[]).map((name) => ({ name, title: SORT_WORDS[name] }))}
          value={sort ?? 'newest'}
          onChange={(next) => onChoose({ sort: next })}
        />
      </div>
      <FilterChips filters={chips} onClear={() => onChoose({ q: undefined, status: undefined, sort: undefined })} />
    </div>
  )
}

interface StatusMenuProps {
  groups: ProjectsPage['groups']
  value: ProjectStatus | undefined
  onChange(value: ProjectStatus | undefined): void
}

function StatusMenu({ groups, value, onChange }: StatusMenuProps) {
  const counts = new Map(groups.map(({ status, projects }) => [status, projects]))
  const options = PROJECT_STATUSES.map((name) => {
    const { word, tone } = INGESTION_LOOKS[name]
    return { name, title: word, count: counts.get(name) ?? 0, tone }
  })
  return (
    <Options<ProjectStatus>
      label="Status"
      trigger={
        <Button icon={ListFilter} data-testid="project-status" aria-label="Filter by status">
          <span className="max-sm:hidden">Status</span>
        </Button>
      }
      options={options}
      value={value}
      onChange={onChange}
    />
  )
}
