import { useLayoutEffect, useRef, useState } from 'react'
import type { Log } from './use-log.ts'

/** So near to the end counts as being there, px. */
const NEAR = 24
/** So near to the top what is earlier is read, px. */
const TOP = 80

interface FollowOptions {
  /** The line the box opens at; absent: its end. */
  startAt: string | undefined
  isLiving: boolean
}

/**
 * Where the box of a log stands: at its end for as long as nobody scrolls up, else where it was, whatever comes above or
 * below.
 */
export function useFollow(log: Log, { startAt, isLiving }: FollowOptions) {
  const ref = useRef<HTMLDivElement>(null)
  const { lines, isRead, hasEarlier, hasLater, isReading } = log.shown
  const [isAtEnd, setAtEnd] = useState(true)
  const last = lines[lines.length - 1]?.offset
  const seen = useRef<string | undefined>(undefined)
  const isOpened = useRef(false)
  const anchor = useRef<{ offset: string; top: number } | null>(null)
  const isFollowing = isAtEnd && !hasLater && (isLiving || startAt === undefined)

  useLayoutEffect(() => {
    const box = ref.current
    if (!box || !isRead || lines.length === 0) return
    if (!isOpened.current) {
      isOpened.current = true
      const line = startAt === undefined ? null : rowOf(box, startAt)
      if (line) box.scrollTop = line.offsetTop - box.clientHeight / 2
      else box.scrollTop = box.scrollHeight
      setAtEnd(isNearEnd(box))
    } else if (isFollowing) {
      box.scrollTop = box.scrollHeight
    } else if (anchor.current) {
      const row = rowOf(box, anchor.current.offset)
      if (row) box.scrollTop += row.offsetTop - anchor.current.top
    }
    remember(box)
  })

  /** Which line stands at the top, and where: what comes above it must not move it. */
  const remember = (box: HTMLElement) => {
    const rows = [...box.querySelectorAll<HTMLElement>('[data-line]')]
    const first = rows.find((row) => row.offsetTop + row.offsetHeight > box.scrollTop)
    anchor.current = first?.dataset.line ? { offset: first.dataset.line, top: first.offsetTop } : null
  }
  const onScroll = () => {
    const box = ref.current
    if (!box || !isOpened.current) return
    remember(box)
    const isNear = isNearEnd(box)
    if (isNear !== isAtEnd) {
      if (!isNear) seen.current = last
      setAtEnd(isNear)
    }
    if (box.scrollTop < TOP && hasEarlier && !isReading && !isNear) log.earlier()
  }
  const toEnd = () => {
    if (hasLater) log.openEnd()
    const box = ref.current
    if (box) box.scrollTop = box.scrollHeight
    setAtEnd(true)
  }
  const from = seen.current
  const news = isAtEnd || from === undefined ? 0 : lines.filter(({ offset }) => offset > from).length
  return { ref, onScroll, isFollowing, news, toEnd }
}

function isNearEnd(box: HTMLElement): boolean {
  return box.scrollHeight - box.scrollTop - box.clientHeight < NEAR
}

function rowOf(box: HTMLElement, offset: string): HTMLElement | null {
  return box.querySelector<HTMLElement>(`[data-line="${CSS.escape(offset)}"]`)
}
