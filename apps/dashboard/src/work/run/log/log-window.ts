import { formatOffset, OFFSET_START, type Offset, type Position, parseOffset } from '@holdfast/protocol'
import type { Paged } from '@holdfast/protocol/runs'
import type { LogLine } from '../../api.ts'

/** What is shown of a run's log: a stretch of it without gaps. A new object for every change. */
export interface LogShown {
  lines: readonly LogLine[]
  isRead: boolean
  hasEarlier: boolean
  /** There are later lines that are not read; what comes live comes after those. */
  hasLater: boolean
  isReading: boolean
  error: unknown
}

type Read = (after: Offset, signal: AbortSignal) => Promise<Paged<LogLine>>

export interface LogWindowOptions {
  /** The lines after a position, oldest first, a page of them; `nextCursor` is the position where the next begins. */
  read: Read
  /** The last position of the run's stream that is known. */
  tail(): Offset | null
}

/** So many events are looked through at first for the lines before those that are shown; twice as many each time. */
const FIRST_STRETCH = 200
/** Backwards it is read on until there are so many more lines. */
const ENOUGH = 100
/** More lines than these are not kept: the far end is let go, and can be read again. */
const MOST = 2000

const NOTHING: LogShown = {
  lines: [],
  isRead: false,
  hasEarlier: false,
  hasLater: false,
  isReading: false,
  error: null,
}

/**
 * A window on a log that may be long and may grow: it is opened at the end or around one line, and moved both ways. The
 * server reads forwards from any position; backwards it is asked for stretches before what is known.
 */
export class LogWindow {
  readonly #options: LogWindowOptions
  readonly #listeners = new Set<() => void>()
  readonly #abort = new AbortController()
  #shown = NOTHING
  /** Where the window begins and ends: everything between was read. */
  #from: Offset = OFFSET_START
  #to: Offset = OFFSET_START
  #work: Promise<void> = Promise.resolve()
  #isCatchingUp = false

  constructor(options: LogWindowOptions) {
    this.#options = options
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly getSnapshot = (): LogShown => this.#shown

  /** Shows the end of the log. */
  openEnd(): Promise<void> {
    return this.#do(async () => {
      const tail = this.#options.tail() ?? OFFSET_START
      this.#from = tail
      this.#to = tail
      await this.#readBack([])
      await this.#readOn()
    })
  }

  /** Shows the line of this position with what was before and after it. */
  openAt(offset: Offset): Promise<void> {
    return this.#do(async () => {
      const before = earlierBy(offset, 1)
      this.#from = before
      this.#to = before
      const { items, nextCursor } = await this.#read(before)
      this.#to = nextCursor ?? lastOf(items) ?? before
      await this.#readBack(items, nextCursor !== null)
    })
  }

  earlier(): Promise<void> {
    if (!this.#shown.hasEarlier) return Promise.resolve()
    return this.#do(() => this.#readBack(this.#shown.lines, this.#shown.hasLater))
  }

  /** Reads what has come since; called for each change of the stream, however often that is. */
  later(): Promise<void> {
    if (this.#isCatchingUp || !this.#shown.isRead) return Promise.resolve()
    this.#isCatchingUp = true
    return this.#do(() => {
      this.#isCatchingUp = false
      return this.#readOn()
    })
  }

  /** Nothing comes any more. */
  close(): void {
    this.#abort.abort()
  }

  async #readOn(): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      const tail = this.#options.tail() ?? OFFSET_START
      const { items, nextCursor } = await this.#read(this.#to)
      hasMore = nextCursor !== null
      // Of a level there may be no line for long: what was looked through is not looked through again.
      this.#to = nextCursor ?? latest(this.#to, tail, lastOf(items))
      const lines = [...this.#shown.lines, ...items]
      const kept = lines.slice(-MOST)
      if (kept.length < lines.length) this.#from = earlierBy(kept[0]?.offset ?? this.#from, 1)
      this.#tell({ lines: kept, isRead: true, hasEarlier: this.#from !== OFFSET_START, hasLater: false })
    }
  }

  /** Puts lines before `known`, the first of which follow on `from`. */
  async #readBack(known: readonly LogLine[], hasLater = false): Promise<void> {
    let lines = [...known]
    const wanted = lines.length + ENOUGH
    for (let stretch = FIRST_STRETCH; this.#from !== OFFSET_START && lines.length < wanted; stretch *= 2) {
      const until = this.#from
      const start = earlierBy(until, stretch)
      lines = [...(await this.#readStretch(start, until)), ...lines]
      this.#from = start
    }
    const kept = lines.slice(0, Math.max(MOST, ENOUGH))
    if (kept.length < lines.length) this.#to = lastOf(kept) ?? this.#to
    const isCut = kept.length < lines.length
    this.#tell({
      lines: kept,
      isRead: true,
      hasEarlier: this.#from !== OFFSET_START,
      hasLater: hasLater || isCut,
    })
  }

  /** Every line after `start` up to `until`. */
  async #readStretch(start: Offset, until: Offset): Promise<LogLine[]> {
    const lines: LogLine[] = []
    for (let after = start; ; ) {
      const { items, nextCursor } = await this.#read(after)
      lines.push(...items.filter(({ offset }) => offset <= until))
      if (nextCursor === null || nextCursor >= until) return lines
      after = nextCursor
    }
  }

  #read(after: Offset): Promise<Paged<LogLine>> {
    return this.#options.read(after, this.#abort.signal)
  }

  /** One after the other, so that what is shown never has gaps. */
  #do(work: () => Promise<void>): Promise<void> {
    this.#tell({ isReading: true })
    const done = this.#work
      .then(work)
      .then(() => this.#tell({ isReading: false, error: null }))
      .catch((error) => {
        if (!this.#abort.signal.aborted) this.#tell({ isReading: false, error })
      })
    this.#work = done
    return done
  }

  #tell(change: Partial<LogShown>): void {
    this.#shown = { ...this.#shown, ...change }
    for (const listener of [...this.#listeners]) listener()
  }
}

function lastOf(lines: readonly LogLine[]): Offset | undefined {
  return lines[lines.length - 1]?.offset
}

function latest(...offsets: (Offset | undefined)[]): Offset {
  return offsets.reduce<Offset>((most, offset) => {
    return most === OFFSET_START || (offset !== undefined && offset > most) ? (offset ?? most) : most
  }, OFFSET_START)
}

/** The position so many events before, or the start. */
function earlierBy(offset: Offset, events: number): Offset {
  const position: Position | null = parseOffset(offset)
  if (position === null || position.seq <= events) return OFFSET_START
  return formatOffset({ ...position, seq: position.seq - events })
}

/** The line a failed run's log opens at: the last thing that went wrong before it ended. */
export function findFailure(lines: readonly LogLine[]): LogLine | undefined {
  const errors = lines.filter(({ level }) => level === 'error')
  return errors.findLast(({ type }) => type !== 'failed') ?? errors[errors.length - 1]
}
