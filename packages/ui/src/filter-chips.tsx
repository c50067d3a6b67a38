import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'

interface FilterChipProps {
  /** What is filtered: `Status`. */
  name: string
  /** By what: `failed`. */
  value: string
  onRemove(): void
}

/** One filter that is on. */
export function FilterChip({ name, value, onRemove }: FilterChipProps) {
  return (
    <span className="inline-flex h-7 max-w-full items-center rounded-md border border-line-strong bg-raised pl-2 text-dense pointer-coarse:h-10">
      <span className="shrink-0 text-ink-3">{name}:</span>
      <span className="ml-1 truncate font-medium">{value}</span>
      <button
        type="button"
        aria-label={`Remove the filter ${name}: ${value}`}
        onClick={onRemove}
        className="ml-0.5 inline-flex size-6.5 shrink-0 items-center justify-center rounded-sm text-ink-3 -outline-offset-2 hover:bg-sunken hover:text-ink pointer-coarse:size-10"
      >
        <X size={13} aria-hidden="true" />
      </button>
    </span>
  )
}

/** The filters that are on, each of which can go; with two or more all of them can. Nothing while none is on. */
export function FilterChips({ filters, onClear }: { filters: FilterChipProps[]; onClear(): void }): ReactNode {
  if (filters.length === 0) return null
  return (
    <fieldset className="flex min-w-0 flex-wrap items-center gap-2">
      <legend className="sr-only">Filters</legend>
      {filters.map((filter) => (
        <FilterChip key={`${filter.name} ${filter.value}`} {...filter} />
      ))}
      {filters.length > 1 && (
        <Button look="quiet" small onClick={onClear}>
          Clear all
        </Button>
      )}
    </fieldset>
  )
}
