import { useEffect, useEffectEvent } from 'react'

/** How long the second key of a sequence (`g p`) may take, ms. */
const SEQUENCE_MS = 1000

export type Hotkeys = Record<string, (event: KeyboardEvent) => void>
/** Whether the key meant something to it. */
type Press = (name: string, event: KeyboardEvent) => boolean

/** Whoever came last is asked first, so that a page can give a key of the shell its own meaning. */
const pressed: Press[] = []
let before = { key: '', at: Number.NEGATIVE_INFINITY }

/**
 * Keys of a page: `'/'`, `'j'`, `'g p'`, `'mod+k'` (Cmd or Ctrl). Plain keys are left alone while somebody types or a
 * dialog or menu is open.
 */
export function useHotkeys(keys: Hotkeys): void {
  const press = useEffectEvent<Press>((name, event) => {
    const action = Object.hasOwn(keys, name) ? keys[name] : undefined
    if (!action) return false
    event.preventDefault()
    action(event)
    return true
  })
  useEffect(() => {
    const own: Press = (name, event) => press(name, event)
    if (pressed.push(own) === 1) window.addEventListener('keydown', onKeyDown)
    return () => {
      pressed.splice(pressed.indexOf(own), 1)
      if (pressed.length === 0) window.removeEventListener('keydown', onKeyDown)
    }
  }, [])
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (event.metaKey || event.ctrlKey) {
    ask(`mod+${key}`, event)
  } else if (!isBusy(event.target)) {
    const isSequence = event.timeStamp - before.at < SEQUENCE_MS
    const isTaken = (isSequence && ask(`${before.key} ${key}`, event)) || ask(key, event)
    before = isTaken ? { key: '', at: Number.NEGATIVE_INFINITY } : { key, at: event.timeStamp }
  }
}

function ask(name: string, event: KeyboardEvent): boolean {
  return pressed.toReversed().some((press) => press(name, event))
}

function isBusy(target: EventTarget | null): boolean {
  if (document.querySelector('[role="dialog"], [role="menu"]')) return true
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'))
}

/** Moves the focus by `step` among the rows of the page (elements with `data-row`); from nowhere to the first. */
export function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')]
  const focused = document.activeElement?.closest<HTMLElement>('[data-row]')
  const index = focused ? rows.indexOf(focused) : -1
  const next = rows[index === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, index + step))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}
