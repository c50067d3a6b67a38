import { useState } from 'react'

/** What is selected in a list of which only a part is loaded. */
export interface Picked {
  /** Everything that matches the filter, also what is not loaded; `ids` then is what was taken out again. */
  isAll: boolean
  ids: ReadonlySet<string>
  /** The one toggled last: where a range begins. */
  last: string | null
}

export const NOTHING: Picked = { isAll: false, ids: new Set(), last: null }

/** Turns one row; with `isRange` all loaded rows from the last one on take its new state. */
export function togglePicked(picked: Picked, id: string, loaded: readonly string[], isRange: boolean): Picked {
  const from = isRange && picked.last !== null ? loaded.indexOf(picked.last) : -1
  const at = loaded.indexOf(id)
  const range = from === -1 || at === -1 ? [id] : loaded.slice(Math.min(from, at), Math.max(from, at) + 1)
  const ids = new Set(picked.ids)
  const isAdding = !picked.ids.has(id)
  for (const one of range) {
    if (isAdding) ids.add(one)
    else ids.delete(one)
  }
  return { ...picked, ids, last: id }
}

/** How many are selected of `total` that match. */
export function countPicked({ isAll, ids }: Picked, total: number): number {
  return isAll ? Math.max(0, total - ids.size) : ids.size
}

export interface Selection {
  count: number
  /** Everything that matches: act on the filter, less `ids`; otherwise act on `ids`. */
  isAll: boolean
  ids: ReadonlySet<string>
  /** For the box of all loaded rows. */
  loaded: boolean | 'some'
  has(id: string): boolean
  toggle(id: string, isRange?: boolean): void
  toggleLoaded(): void
  selectAll(): void
  clear(): void
}

/**
 * The selection of a list. `loaded` are the ids in view, in their order; `total` is how many match. Give the component a
 * `key` of the filter, so that another filter begins with nothing selected.
 */
export function useSelection(loaded: readonly string[], total: number): Selection {
  const [picked, setPicked] = useState(NOTHING)
  const has = (id: string) => picked.ids.has(id) !== picked.isAll
  const there = loaded.filter(has).length
  return {
    count: countPicked(picked, total),
    isAll: picked.isAll,
    ids: picked.ids,
    loaded: there === 0 ? false : there === loaded.length ? true : 'some',
    has,
    toggle: (id, isRange = false) => setPicked((now) => togglePicked(now, id, loaded, isRange)),
    toggleLoaded: () =>
      setPicked(there === loaded.length ? NOTHING : { isAll: false, ids: new Set(loaded), last: null }),
    selectAll: () => setPicked({ ...NOTHING, isAll: true }),
    clear: () => setPicked(NOTHING),
  }
}
