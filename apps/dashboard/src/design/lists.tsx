import {
  Button,
  Cell,
  Chip,
  FilterChips,
  Head,
  NewRows,
  Row,
  Section,
  SelectBox,
  SelectionBar,
  SortHead,
  SplitPane,
  Table,
  TableHead,
  useSelection,
} from '@holdfast/ui'
import { Check, CircleSlash, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { Specimen } from './specimen.tsx'

const FILES = [
  { id: '1', path: 'notes/harbour.md', size: 2200, isFailed: false },
  { id: '2', path: 'notes/broken.pdf', size: 36, isFailed: true },
  { id: '3', path: 'letters/lighthouse-keeper.docx', size: 4100, isFailed: false },
]

export function Lists() {
  return (
    <>
      <Specimen
        id="table"
        title="Table"
        note="Dense rows under a head that stays in sight. Keys: j and k move, x selects, Enter opens; Shift selects a range."
      >
        <Files />
      </Specimen>
      <Specimen
        id="filters"
        title="Filters and new rows"
        note="Filters that are on can go one by one. Rows that came while somebody reads wait above."
      >
        <Filters />
      </Specimen>
      <Specimen id="sections" title="Sections" note="A part that folds to one line which still tells enough.">
        <Folding />
      </Specimen>
      <Specimen
        id="split"
        title="List and detail"
        note="The edge between them can be moved, by arrow keys too, and is remembered. On a phone the detail takes the list's place."
      >
        <Split />
      </Specimen>
    </>
  )
}

function Files() {
  const [sort, setSort] = useState('path')
  const key = sort.replace('-', '') as 'path' | 'size'
  const sign = sort.startsWith('-') ? -1 : 1
  const files = FILES.toSorted((a, b) => (a[key] < b[key] ? -sign : sign))
  const selection = useSelection(
    files.map(({ id }) => id),
    1204,
  )
  return (
    <div>
      <Table label="Files" total={FILES.length}>
        <TableHead>
          <Head className="w-10 px-2">
            <SelectBox label="Select all files shown" checked={selection.loaded} onToggle={selection.toggleLoaded} />
          </Head>
          <SortHead name="path" sort={sort} onSort={setSort}>
            File
          </SortHead>
          <SortHead name="size" sort={sort} onSort={setSort} downFirst className="w-24 text-right">
            Size
          </SortHead>
          <Head className="w-28">Status</Head>
        </TableHead>
        <tbody>
          {files.map(({ id, path, size, isFailed }) => (
            <Row
              key={id}
              selected={selection.has(id)}
              className="max-md:grid max-md:grid-cols-[auto_1fr_auto] max-md:items-center max-md:py-1"
            >
              <Cell className="px-2">
                <SelectBox
                  label={`Select ${path}`}
                  checked={selection.has(id)}
                  onToggle={(isRange) => selection.toggle(id, isRange)}
                />
              </Cell>
              <Cell className="truncate font-mono max-md:px-1">{path}</Cell>
              <Cell className="numbers text-right text-ink-2 max-md:hidden">{size.toLocaleString('en')} B</Cell>
              <Cell className="max-md:px-2">
                <Chip tone={isFailed ? 'failed' : 'done'} icon={isFailed ? CircleSlash : Check}>
                  {isFailed ? 'Failed' : 'Done'}
                </Chip>
              </Cell>
            </Row>
          ))}
        </tbody>
      </Table>
      <SelectionBar selection={selection} total={1204} words={['file', 'files']}>
        <Button small icon={RotateCw} onClick={selection.clear}>
          Retry
        </Button>
      </SelectionBar>
    </div>
  )
}

function Filters() {
  const [filters, setFilters] = useState([
    { name: 'Status', value: 'failed' },
    { name: 'Path', value: 'notes/from the archive of the harbour office' },
  ])
  const [count, setCount] = useState(12)
  return (
    <>
      <FilterChips
        filters={filters.map((filter) => ({
          ...filter,
          onRemove: () => setFilters((known) => known.filter(({ name }) => name !== filter.name)),
        }))}
        onClear={() => setFilters([])}
      />
      <div className="h-10">
        <NewRows count={count} onShow={() => setCount(0)} />
      </div>
    </>
  )
}

function Folding() {
  const [isOpen, setOpen] = useState(true)
  const [isOther, setOther] = useState(false)
  return (
    <>
      <Section title="Extract" summary="64 of 67 files, 2 failed" open={isOpen} onOpenChange={setOpen}>
        <p className="px-cell-x py-cell text-ink-2">What stands in it.</p>
      </Section>
      <Section
        title="Chunk"
        summary="337 passages of 64 files"
        open={isOther}
        onOpenChange={setOther}
        actions={
          <Button small icon={RotateCw}>
            Retry
          </Button>
        }
      >
        <p className="px-cell-x py-cell text-ink-2">What stands in it.</p>
      </Section>
    </>
  )
}

function Split() {
  return (
    <SplitPane
      name="design"
      width={280}
      list={<p className="rounded-md border border-line bg-raised p-3">The list</p>}
      detail={<p className="rounded-md border border-line bg-raised p-3">The detail of what is chosen in it</p>}
    />
  )
}
