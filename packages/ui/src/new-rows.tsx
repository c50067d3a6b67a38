import { ArrowUp } from 'lucide-react'
import { useEffect, useState } from 'react'

/**
 * What of a list that grows live is shown while it is being read: rows that were there stay in their place with what is
 * new in them, rows that came since are held back at the top. Pure; `known` are the ids shown before.
 */
export function holdRows<Item>(
  items: readonly Item[],
  idOf: (item: Item) => string,
  known: ReadonlySet<string>,
): { shown: Item[]; held: number } {
  // Only what came above the first known row would push what is read: what comes below it moves nothing.
  const first = items.findIndex((item) => known.has(idOf(item)))
  if (first <= 0) return { shown: [...items], held: 0 }
  return { shown: items.slice(first), held: first }
}

interface HeldRows<Item> {
  shown: Item[]
  /** How many wait. */
  held: number
  /** Lets them in. */
  release(): void
}

/** Holds new rows back while somebody has scrolled into the list or stands in it with the keyboard. */
export function useHeldRows<Item>(items: readonly Item[], idOf: (item: Item) => string): HeldRows<Item> {
  const [known, setKnown] = useState<ReadonlySet<string> | null>(null)
  const isReading = useIsReading()
  const ids = items.map(idOf).join('\n')
  useEffect(() => {
    if (!isReading) setKnown(new Set(ids.split('\n')))
  }, [ids, isReading])
  const { shown, held } = isReading && known ? holdRows(items, idOf, known) : { shown: [...items], held: 0 }
  return { shown, held, release: () => setKnown(new Set(ids.split('\n'))) }
}

/** Whether somebody has scrolled into the page or stands in a row of it with the keyboard. */
export function useIsReading(): boolean {
  const [isReading, setReading] = useState(false)
  useEffect(() => {
    const look = () => {
      const row = document.activeElement?.closest('[data-row]')
      setReading(window.scrollY > 40 || (row !== null && row !== undefined))
    }
    look()
    const events = ['scroll', 'focusin', 'focusout'] as const
    for (const name of events) document.addEventListener(name, look, { passive: true })
    return () => {
      for (const name of events) document.removeEventListener(name, look)
    }
  }, [])
  return isReading
}

/** `12 new`: lets held rows in and goes to the top of the list. Nothing while none wait. `what`: `changed`, for instance. */
export function NewRows({ count, what = 'new', onShow }: { count: number; what?: string; onShow(): void }) {
  if (count === 0) return null
  const show = () => {
    onShow()
    window.scrollTo({ top: 0 })
  }
  return (
    <div className="pointer-events-none sticky top-[calc(var(--bar)+0.5rem)] z-20 -mb-8 flex h-8 justify-center">
      <button
        type="button"
        data-testid="new-rows"
        onClick={show}
        className="appear numbers pointer-events-auto inline-flex h-8 items-center gap-1.5 rounded-full border border-line-strong bg-raised px-3 text-dense font-medium text-accent shadow-float hover:bg-sunken pointer-coarse:h-10"
      >
        <ArrowUp size={14} aria-hidden="true" />
        {count.toLocaleString('en')} {what}
      </button>
    </div>
  )
}
