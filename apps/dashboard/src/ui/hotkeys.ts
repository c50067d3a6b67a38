import { useEffect, useEffectEvent } from 'react'

/** How long the second key of a sequence (`g p`) may take, ms. */
const SEQUENCE_MS = 1000

export type Hotkeys = Record<string, (event: KeyboardEvent) => void>

/**
 * Keys of a page: `'/'`, `'j'`, `'g p'`, `'mod+k'` (Cmd or Ctrl). Plain keys are left alone while somebody types or a
 * dialog or menu is open.
 */
export function useHotkeys(keys: Hotkeys): void {
  const press = useEffectEvent((name: string, event: KeyboardEvent) => {
    const action = Object.hasOwn(keys, name) ? keys[name] : undefined
    if (!action) return false
    event.preventDefault()
    action(event)
    return true
  })
  useEffect(() => {
    let before = { key: '', at: Number.NEGATIVE_INFINITY }
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
      if (event.metaKey || event.ctrlKey) {
        press(`mod+${key}`, event)
        return
      }
      if (isBusy(event.target)) return
      const isSequence = event.timeStamp - before.at < SEQUENCE_MS
      const isTaken = (isSequence && press(`${before.key} ${key}`, event)) || press(key, event)
      before = isTaken ? { key: '', at: 0 } : { key, at: event.timeStamp }
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [])
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
