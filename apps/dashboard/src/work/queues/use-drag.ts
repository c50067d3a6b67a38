import { type PointerEvent, useEffect, useEffectEvent, useRef, useState } from 'react'
import { placeAt } from './order.ts'

export interface Drag {
  id: string
  /** How far the row was taken from its place, px. */
  by: number
  /** The place it would take, counted without it. */
  to: number
}

/** So near to the edge of the screen the page moves along, px, and so far each time. */
const EDGE = 56
const STEP = 14

/**
 * Rows that are taken by a handle to another place, by mouse, pen or thumb. Escape puts the row back. `rows` are the
 * elements `[data-drag-row]` of the list.
 */
export function useDrag(list: { current: HTMLElement | null }, onDrop: (id: string, to: number) => void) {
  const [drag, setDrag] = useState<Drag | null>(null)
  const from = useRef<{ id: string; y: number; middles: number[]; middle: number } | null>(null)
  const end = (isDrop: boolean) => {
    if (isDrop && drag) onDrop(drag.id, drag.to)
    from.current = null
    setDrag(null)
  }
  const cancel = useEffectEvent(() => end(false))
  const isDragging = drag !== null
  useEffect(() => {
    if (!isDragging) return
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return
      event.preventDefault()
      event.stopPropagation()
      cancel()
    }
    window.addEventListener('keydown', onKey, { capture: true })
    return () => window.removeEventListener('keydown', onKey, { capture: true })
  }, [isDragging])
  const handle = (id: string) => ({
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0 || !list.current) return
      event.currentTarget.setPointerCapture(event.pointerId)
      const rows = [...list.current.querySelectorAll<HTMLElement>('[data-drag-row]')]
      // Of the whole page: it may be scrolled meanwhile.
      const middleOf = (row: HTMLElement) => {
        const { top, height } = row.getBoundingClientRect()
        return top + height / 2 + window.scrollY
      }
      const own = rows.find((row) => row.dataset.dragRow === id)
      if (!own) return
      const middles = rows.filter((row) => row !== own).map(middleOf)
      from.current = { id, y: event.clientY + window.scrollY, middles, middle: middleOf(own) }
    },
    onPointerMove(event: PointerEvent) {
      const start = from.current
      if (!start) return
      if (event.clientY < EDGE) window.scrollBy(0, -STEP)
      else if (event.clientY > window.innerHeight - EDGE) window.scrollBy(0, STEP)
      const by = event.clientY + window.scrollY - start.y
      // A press is no drag.
      if (drag === null && Math.abs(by) < 4) return
      setDrag({ id, by, to: placeAt(start.middles, start.middle + by) })
    },
    onPointerUp: () => end(true),
    onPointerCancel: () => end(false),
  })
  return { drag, handle }
}
