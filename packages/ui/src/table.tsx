import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { classNames } from './class-names.ts'

interface TableProps extends ComponentProps<'table'> {
  /** What it lists, to a screen reader. */
  label: string
  /** Rows there are, also those that are not shown; unknown: leave it out. */
  total?: number
  /** Below the rows: how many more there are. */
  foot?: ReactNode
}

/**
 * A dense table whose head stays in sight. Rows are `Row`s of `Cell`s; the keys of rows (`j`, `k`, `Enter`, `x`) work in it.
 *
 * ```tsx
 * <Table label="Files" total={79}>
 *   <TableHead><Head>File</Head><SortHead name="size" sort={sort} onSort={setSort}>Size</SortHead></TableHead>
 *   <tbody>{files.map((file) => <Row key={file.id}><Cell>…</Cell></Row>)}</tbody>
 * </Table>
 * ```
 */
export function Table({ label, total, foot, className, children, ...rest }: TableProps) {
  return (
    // Clipped, not scrolled: a box that scrolls would keep the head from sticking to the page.
    <div className="overflow-clip rounded-md border border-line bg-raised">
      <table
        aria-label={label}
        aria-rowcount={total}
        className={classNames('w-full table-fixed border-collapse text-dense', className)}
        {...rest}
      >
        {children}
      </table>
      {foot}
    </div>
  )
}

/** The row of heads. On a phone it is there for screen readers only, for rows fold there. */
export function TableHead({ children }: { children: ReactNode }) {
  return (
    <thead className="sticky top-bar z-10 bg-raised text-left text-ink-3 shadow-[inset_0_-1px_0_var(--line)] max-md:sr-only">
      <tr>{children}</tr>
    </thead>
  )
}

/** Heads a column. Width and alignment by `className`. */
export function Head({ className, children, ...rest }: ComponentProps<'th'>) {
  return (
    <th scope="col" className={classNames('h-row px-cell-x font-medium', className)} {...rest}>
      {children}
    </th>
  )
}

/** What a list is sorted by, as it stands in an address: `size`, or `-size` for the other way round. */
export type Sort = string

interface SortHeadProps extends Omit<ComponentProps<'th'>, 'children'> {
  /** The column's name in the sort. */
  name: string
  sort: Sort | undefined
  onSort(sort: Sort): void
  /** Figures sort downwards first. Default false. */
  downFirst?: boolean
  children: ReactNode
}

/** Heads a column that can be sorted by: a press sorts, the next one the other way round. */
export function SortHead({ name, sort, onSort, downFirst = false, className, children, ...rest }: SortHeadProps) {
  const direction = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : 'none'
  const Icon = { ascending: ArrowUp, descending: ArrowDown, none: ChevronsUpDown }[direction]
  const next = direction === 'none' ? (downFirst ? `-${name}` : name) : direction === 'ascending' ? `-${name}` : name
  return (
    <th
      scope="col"
      aria-sort={direction}
      className={classNames('h-row px-cell-x font-medium', direction !== 'none' && 'text-ink', className)}
      {...rest}
    >
      <button
        type="button"
        onClick={() => onSort(next)}
        className="-mx-1 inline-flex items-center gap-1 rounded-sm px-1 py-0.5 hover:text-ink pointer-coarse:min-h-10"
      >
        {children}
        <Icon size={13} aria-hidden="true" className={direction === 'none' ? 'opacity-50' : undefined} />
      </button>
    </th>
  )
}

interface RowProps extends ComponentProps<'tr'> {
  selected?: boolean
}

/** One row; it can have the focus. On a phone give it a grid of its own (`max-md:grid …`). */
export function Row({ selected, className, children, ...rest }: RowProps) {
  return (
    <tr
      data-row
      tabIndex={-1}
      aria-selected={selected}
      className={classNames(
        'lazy-row h-row border-b border-line -outline-offset-2 last:border-b-0 hover:bg-sunken focus:bg-sunken max-md:h-auto',
        selected && 'bg-accent-soft hover:bg-accent-soft focus:bg-accent-soft',
        className,
      )}
      {...rest}
    >
      {children}
    </tr>
  )
}

export function Cell({ className, children, ...rest }: ComponentProps<'td'>) {
  return (
    <td className={classNames('px-cell-x py-cell', className)} {...rest}>
      {children}
    </td>
  )
}
