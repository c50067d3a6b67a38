import type { Hotkeys } from './hotkeys.ts'

/**
 * The keys of lists and tables. A row is an element with `data-row` that can have the focus; within it `data-open` marks
 * the link that opens it (where the row is none itself), and `data-select` its box.
 */
export const ROW_KEYS: Hotkeys = {
  j: { what: 'Next and previous row', group: 'List', isActive: () => hasAny('[data-row]'), run: () => moveRow(1) },
  k: { what: 'Next and previous row', group: 'List', isActive: () => hasAny('[data-row]'), run: () => moveRow(-1) },
  Enter: {
    what: 'Open the row',
    group: 'List',
    isActive: () => hasAny('a[data-row], [data-row] [data-open]'),
    run: openRow,
  },
  x: { what: 'Select the row', group: 'List', isActive: () => hasAny('[data-row] [data-select]'), run: selectRow },
}

/** Moves the focus by `step` among the rows of the page; from nowhere to the first. */
export function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')].filter((row) => row.checkVisibility())
  const focused = document.activeElement?.closest<HTMLElement>('[data-row]')
  const index = focused ? rows.indexOf(focused) : -1
  const next = rows[index === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, index + step))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

/** A row that is a link, and a button within a row, know Enter themselves. */
function openRow(): boolean {
  const row = document.activeElement
  const link = row?.matches('[data-row]:not(a)') ? row.querySelector<HTMLElement>('[data-open]') : null
  link?.click()
  return link !== null
}

function selectRow(): boolean {
  const box = document.activeElement?.closest('[data-row]')?.querySelector<HTMLElement>('[data-select]')
  box?.click()
  return box !== null && box !== undefined
}

function hasAny(selector: string): boolean {
  return document.querySelector(selector) !== null
}
