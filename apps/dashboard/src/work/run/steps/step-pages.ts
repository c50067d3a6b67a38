import type { Paged, StepView } from '@holdfast/protocol/runs'

/** What is known of a run's steps. A new object for every change. */
export interface StepsRead {
  /** Oldest start first. */
  steps: readonly StepView[]
  /** Whether they were read at all. */
  isRead: boolean
  /** There are more than were read. */
  hasMore: boolean
  isReading: boolean
  /** Why the last reading failed; what was read before stays. */
  error: unknown
}

interface Page {
  cursor: string | null
  items: StepView[]
  nextCursor: string | null
}

type Read = (cursor: string | null, signal: AbortSignal) => Promise<Paged<StepView>>

const NOTHING: StepsRead = { steps: [], isRead: false, hasMore: false, isReading: false, error: null }

/**
 * The steps of a run, a page at a time. A run of thousands is not read anew for each step that ends: pages in which
 * everything is done stay as they are.
 */
export class StepPages {
  readonly #read: Read
  readonly #listeners = new Set<() => void>()
  #pages: Page[] = []
  #wanted = 1
  #wish: 'nothing' | 'new' | 'all' = 'nothing'
  #reading: AbortController | null = null
  #snapshot = NOTHING

  constructor(read: Read) {
    this.#read = read
  }

  /** Reading begins with the first that listens, and what is on its way is let go with the last. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (!this.#snapshot.isRead) this.refresh()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#reading?.abort()
    }
  }

  readonly getSnapshot = (): StepsRead => this.#snapshot

  /** Something has changed: reads what may have; with `all`, everything, for steps that came before others. */
  refresh(all = false): void {
    if (all || this.#wish === 'nothing') this.#wish = all ? 'all' : 'new'
    void this.#work()
  }

  /** Reads on. */
  more(): void {
    if (!this.#snapshot.hasMore || this.#reading !== null) return
    this.#wanted = this.#pages.length + 1
    this.refresh()
  }

  async #work(): Promise<void> {
    // One at a time: whatever is wished meanwhile is done after it.
    if (this.#reading !== null) return
    this.#reading = new AbortController()
    const { signal } = this.#reading
    let error: unknown = null
    try {
      while (this.#wish !== 'nothing' && !signal.aborted) {
        const from = this.#wish === 'all' ? 0 : firstOpen(this.#pages)
        this.#wish = 'nothing'
        this.#tell({ isReading: true })
        await this.#readFrom(from, signal)
      }
    } catch (thrown) {
      error = signal.aborted ? null : thrown
    }
    this.#reading = null
    if (signal.aborted) {
      // The next that listens begins anew.
      this.#wish = 'new'
      if (this.#listeners.size > 0) void this.#work()
      return
    }
    this.#tell({ isReading: false, error })
  }

  async #readFrom(from: number, signal: AbortSignal): Promise<void> {
    let cursor = from === 0 ? null : (this.#pages[from - 1]?.nextCursor ?? null)
    for (let index = from; index < this.#wanted; index += 1) {
      const { items, nextCursor } = await this.#read(cursor, signal)
      this.#pages = [...this.#pages.slice(0, index), { cursor, items, nextCursor }, ...this.#pages.slice(index + 1)]
      if (nextCursor === null) this.#pages = this.#pages.slice(0, index + 1)
      this.#tell({ isRead: true, error: null })
      if (nextCursor === null) return
      cursor = nextCursor
    }
  }

  #tell(change: Partial<StepsRead>): void {
    const last = this.#pages[this.#pages.length - 1]
    const hasMore = last !== undefined && last.nextCursor !== null
    this.#snapshot = { ...this.#snapshot, steps: joined(this.#pages), hasMore, ...change }
    for (const listener of [...this.#listeners]) listener()
  }
}

/** The first page in which something may change still: one with a step that is not done, or the last. */
function firstOpen(pages: readonly Page[]): number {
  const open = pages.findIndex(
    ({ items, nextCursor }) => nextCursor === null || items.some(({ status }) => status !== 'done'),
  )
  return open === -1 ? pages.length : open
}

const byName = new Intl.Collator('en', { numeric: true })

/** Oldest start first; of those that began at the same moment the one that ended first, then by name: `page 9`, `page 10`. */
function byStart(a: StepView, b: StepView): number {
  const at = (one: string | null, other: string | null) =>
    one === other ? 0 : one === null ? 1 : other === null ? -1 : one < other ? -1 : 1
  return at(a.startedAt, b.startedAt) || at(a.endedAt, b.endedAt) || byName.compare(a.key, b.key)
}

/** A step that went on to a later page while they were read is taken from there. */
function joined(pages: readonly Page[]): StepView[] {
  const steps = new Map<string, StepView>()
  for (const { items } of pages) {
    for (const step of items) {
      steps.delete(step.key)
      steps.set(step.key, step)
    }
  }
  return [...steps.values()].sort(byStart)
}
