import { useEffect, useRef } from 'react'

/** How long the second key of a sequence (`g p`) may take, ms. */
const SEQUENCE_MS = 1000

/** One key of the page, with the words by which `?` tells it. */
export interface Hotkey {
  /** What it does: `Search`. Keys that do two halves of one thing (`j`, `k`) say the same and are told in one line. */
  what: string
  /** Below which heading it is told. Default `Page`. */
  group?: HotkeyGroup
  /** Whether it does something now; a key that does nothing is not told and is left alone. Default: always. */
  isActive?(): boolean
  /** Answers `false` where the key meant nothing after all: the next one that has it is asked. */
  run(event: KeyboardEvent): unknown
}

export type HotkeyGroup = 'Page' | 'List' | 'Go' | 'Everywhere'

/** By key: `'/'`, `'j'`, `'g p'`, `'mod+k'` (Cmd or Ctrl), `'Enter'`. */
export type Hotkeys = Record<string, Hotkey>

/** One line of the list of keys. */
export interface HotkeyLine {
  keys: string[]
  what: string
  group: HotkeyGroup
}

/** Whoever came last is asked first, so that a page can give a key of the shell its own meaning. */
const registered: (() => Hotkeys)[] = []
let before = { key: '', at: Number.NEGATIVE_INFINITY }

/**
 * Keys of a page. Plain keys are left alone while somebody types or a dialog or menu is open.
 *
 * ```ts
 * useHotkeys({ r: { what: 'Retry the ingestion', run: retry } })
 * ```
 */
export function useHotkeys(hotkeys: Hotkeys): void {
  // Not an effect event: the list of keys is read while it is drawn.
  const latest = useRef(hotkeys)
  useEffect(() => {
    latest.current = hotkeys
  })
  useEffect(() => {
    const own = () => latest.current
    if (registered.push(own) === 1) window.addEventListener('keydown', onKeyDown)
    return () => {
      registered.splice(registered.indexOf(own), 1)
      if (registered.length === 0) window.removeEventListener('keydown', onKeyDown)
    }
  }, [])
}

/** Every key that does something on the page as it stands now: what `?` shows. */
export function listHotkeys(): HotkeyLine[] {
  const taken = new Set<string>()
  const lines = new Map<string, HotkeyLine>()
  for (const hotkeys of registered.toReversed().map((read) => read())) {
    for (const [keys, { what, group = 'Page', isActive }] of Object.entries(hotkeys)) {
      if (taken.has(keys) || isActive?.() === false) continue
      taken.add(keys)
      const line = lines.get(`${group} ${what}`)
      if (line) line.keys.push(keys)
      else lines.set(`${group} ${what}`, { keys: [keys], what, group })
    }
  }
  return [...lines.values()]
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (event.metaKey || event.ctrlKey) {
    press(`mod+${key}`, event)
  } else if (!isBusy(event.target)) {
    const isSequence = event.timeStamp - before.at < SEQUENCE_MS
    const isTaken = (isSequence && press(`${before.key} ${key}`, event)) || press(key, event)
    before = isTaken ? { key: '', at: Number.NEGATIVE_INFINITY } : { key, at: event.timeStamp }
  }
}

/** Whether somebody took the key. */
function press(keys: string, event: KeyboardEvent): boolean {
  return registered.toReversed().some((read) => {
    const hotkeys = read()
    const hotkey = Object.hasOwn(hotkeys, keys) ? hotkeys[keys] : undefined
    if (!hotkey || hotkey.isActive?.() === false || hotkey.run(event) === false) return false
    event.preventDefault()
    return true
  })
}

function isBusy(target: EventTarget | null): boolean {
  if (document.querySelector('dialog[open], [role="dialog"], [role="menu"]')) return true
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'))
}
