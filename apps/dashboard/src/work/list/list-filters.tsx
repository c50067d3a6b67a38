import { Button, Field, FilterChips, Options, useTypedText } from '@holdfast/ui'
import { ArrowDownUp, Boxes, CalendarClock, Layers, Search } from 'lucide-react'
import type { ReactNode } from 'react'
import type { RunSort } from '../api.ts'
import { useKinds, useQueues } from '../queries.ts'
import { STATUS_LOOKS } from '../status.tsx'
import { type ListRoute, type ListSearch, NO_FILTER, type Span, statusesOf } from './list-route.ts'

const SORT_WORDS: Record<RunSort, string> = {
  newest: 'Newest first',
  oldest: 'Oldest first',
  longest: 'Longest first',
  priority: 'Highest priority first',
}
const SPAN_WORDS: Record<Span | 'all', string> = {
  '1h': 'The last hour',
  '24h': 'The last 24 hours',
  '7d': 'The last 7 days',
  all: 'Any time',
}

interface ListFiltersProps extends Pick<ListRoute, 'search' | 'choose'> {
  /** Chooses a status where there are no tabs for it. */
  status: ReactNode
  /** At the end of the line: what is found. */
  children: ReactNode
}

/** Search, kind, queue, time and order of the list; what is on stands below as chips that can be removed. */
export function ListFilters({ search, choose, status, children }: ListFiltersProps) {
  const { q, name, queue, since, sort } = search
  const [text, setText] = useTypedText(q ?? '', (typed) => choose({ q: typed || undefined }, { replace: true }))
  return (
    <div className="mb-3 flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <search className="min-w-0 flex-1 max-sm:basis-full sm:max-w-80">
          <Field
            label="Search runs by name, id or error"
            hideLabel
            type="search"
            placeholder="Name, id or error"
            icon={Search}
            value={text}
            onChange={(event) => setText(event.target.value)}
            data-search
            data-testid="run-search"
          />
        </search>
        {status}
        <KindMenu value={name} onChange={(next) => choose({ name: next })} />
        <QueueMenu value={queue} onChange={(next) => choose({ queue: next })} />
        <Options<Span | 'all'>
          label="Begun"
          trigger={<MenuButton icon={CalendarClock} word="Time" label="Filter by time" />}
          options={(Object.keys(SPAN_WORDS) as (Span | 'all')[]).map((one) => ({ name: one, title: SPAN_WORDS[one] }))}
          value={since ?? 'all'}
          onChange={(next) => choose({ since: next === 'all' ? undefined : next, from: undefined, to: undefined })}
        />
        <Options<RunSort>
          label="Order"
          trigger={
            <MenuButton
              icon={ArrowDownUp}
              word={SORT_WORDS[sort ?? 'newest']}
              label={`Order: ${SORT_WORDS[sort ?? 'newest']}`}
            />
          }
          options={(Object.keys(SORT_WORDS) as RunSort[]).map((one) => ({ name: one, title: SORT_WORDS[one] }))}
          value={sort ?? 'newest'}
          onChange={(next) => choose({ sort: next })}
        />
        {children}
      </div>
      <FilterChips filters={chipsOf(search, choose)} onClear={() => choose(NO_FILTER)} />
    </div>
  )
}

function MenuButton({ icon, word, label, ...rest }: { icon: typeof Search; word: string; label: string }) {
  return (
    <Button icon={icon} aria-label={label} {...rest}>
      <span className="max-lg:hidden">{word}</span>
    </Button>
  )
}

interface MenuProps {
  value: string | undefined
  onChange(value: string): void
}

function KindMenu({ value, onChange }: MenuProps) {
  const kinds = useKinds().data?.items ?? []
  const names = [...new Set([...kinds.map(({ name }) => name), ...(value ? [value] : [])])].sort()
  return (
    <Options
      label="Kind"
      trigger={<MenuButton icon={Boxes} word="Kind" label="Filter by kind" />}
      options={names.map((name) => ({ name, title: name }))}
      value={value}
      onChange={onChange}
    />
  )
}

function QueueMenu({ value, onChange }: MenuProps) {
  const queues = useQueues().data?.queues ?? []
  const options = queues.map(({ name, queued, working, waiting }) => ({
    name,
    title: name,
    count: queued + working + waiting,
    tone: 'working' as const,
  }))
  return (
    <Options
      label="Queue"
      trigger={<MenuButton icon={Layers} word="Queue" label="Filter by queue" />}
      options={options}
      value={value}
      onChange={onChange}
    />
  )
}

/** Each filter that is on but the status, which its tab tells unless there are several. */
function chipsOf(search: ListSearch, choose: ListRoute['choose']) {
  const { status, retried, since, wait } = search
  const statuses = statusesOf(status)
  const chip = (name: string, value: string | undefined, ...keys: (keyof ListSearch)[]) =>
    value === undefined
      ? []
      : [{ name, value, onRemove: () => choose(Object.fromEntries(keys.map((key) => [key, undefined]))) }]
  const several = statuses.map((one) => STATUS_LOOKS[one].word.toLowerCase()).join(' or ')
  return [
    ...chip('Text', search.q, 'q'),
    ...chip('Status', several === '' ? undefined : several, 'status', 'retried'),
    ...chip('Retry', retried && 'not tried again', 'retried'),
    ...chip('Waits for', wait, 'wait'),
    ...chip('Kind', search.name, 'name'),
    ...chip('Queue', search.queue, 'queue'),
    ...chip('Cause', search.cause, 'cause'),
    ...chip('Begun', since && SPAN_WORDS[since].toLowerCase(), 'since'),
    ...chip('From', dateText(search.from), 'from'),
    ...chip('Until', dateText(search.to), 'to'),
    ...chip('Started by', search.parent, 'parent'),
    ...chip('Schedule', search.schedule, 'schedule'),
  ]
}

function dateText(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) ? value : new Date(time).toLocaleString()
}
