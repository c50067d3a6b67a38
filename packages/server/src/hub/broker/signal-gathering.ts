import type { Offset } from '@holdfast/protocol'
import type { Committed } from '../../db/database.ts'

export interface GatheringOptions {
  /** How many code units of events of one stream travel along, and sixteen times that of all streams; 0 for none. */
  textPerStream: number
  /** Hears of a stream for which there is no room: its readers have to look for themselves. */
  onSpill: (stream: string) => void
}

// Some 10 MB at the worst, with names of 1,000 bytes.
const STREAMS_MAX = 10_000
const STREAMS_WITH_TEXT = 16

interface Gathered {
  /** The tail of the last life that ended. */
  removed: Offset | null
  live: Live | null
}

interface Live {
  after: Offset
  tail: Offset
  events: string[]
  length: number
  sealed: boolean
}

/**
 * What there is to tell the other nodes, for as long as it cannot be sent: of each stream the last tail, its end and
 * its removal, and as many of its last events as are small enough. It takes commits in any order, and is bounded.
 */
export class SignalGathering {
  readonly #options: GatheringOptions
  #streams = new Map<string, Gathered>()
  /** Code units of all events held. */
  #length = 0

  constructor(options: GatheringOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#streams.size === 0
  }

  add(committed: readonly Committed[]): void {
    for (const word of committed) {
      let gathered = this.#streams.get(word.stream)
      if (!gathered) {
        if (this.#streams.size >= STREAMS_MAX) {
          this.#options.onSpill(word.stream)
          continue
        }
        gathered = { removed: null, live: null }
        this.#streams.set(word.stream, gathered)
      }
      if (word.removed) this.#addRemoval(gathered, word.tail)
      else this.#addTail(gathered, word)
    }
  }

  /** Takes everything out: of each stream its removal first, then what has the name now. */
  take(): Committed[] {
    const taken: Committed[] = []
    for (const [stream, { removed, live }] of this.#streams) {
      if (removed !== null) taken.push(signalOf(stream, removed, 'd'))
      if (live) {
        const { after, tail, events, sealed } = live
        taken.push({ stream, after, tail, events, sealed })
      }
    }
    this.#streams = new Map()
    this.#length = 0
    return taken
  }

  #addRemoval(gathered: Gathered, tail: Offset): void {
    if (gathered.removed === null || gathered.removed < tail) gathered.removed = tail
    if (gathered.live && lifeOf(gathered.live.tail) <= lifeOf(tail)) {
      this.#length -= gathered.live.length
      gathered.live = null
    }
  }

  #addTail(gathered: Gathered, { after, tail, events, sealed }: Committed): void {
    const { removed, live } = gathered
    if (removed !== null && lifeOf(tail) <= lifeOf(removed)) return
    if (live && live.tail !== after) {
      // Overtaken, or not adjoining: of the later of the two the tail, and of one life its end.
      const sameLife = lifeOf(live.tail) === lifeOf(tail)
      if (tail > live.tail) {
        this.#length -= live.length
        gathered.live = { after: tail, tail, events: [], length: 0, sealed: sealed || (sameLife && live.sealed) }
      } else if (sameLife) live.sealed ||= sealed
      return
    }
    const joined = live ?? { after, tail, events: [], length: 0, sealed: false }
    gathered.live = joined
    joined.tail = tail
    joined.sealed ||= sealed
    this.#addEvents(joined, events)
  }

  #addEvents(live: Live, events: readonly string[]): void {
    const { textPerStream } = this.#options
    const length = events.reduce((sum, text) => sum + text.length, 0)
    const roomForAll = textPerStream * STREAMS_WITH_TEXT - this.#length
    if (live.length + length > textPerStream || length > roomForAll) {
      this.#length -= live.length
      live.after = live.tail
      live.events = []
      live.length = 0
      return
    }
    for (const text of events) live.events.push(text)
    live.length += length
    this.#length += length
  }
}

/** How a signal without events is told: nothing of note, sealed, deleted. */
export type Flags = '' | 's' | 'd'

export function flagsOf({ sealed, removed }: Committed): Flags {
  return removed ? 'd' : sealed ? 's' : ''
}

export function signalOf(stream: string, tail: Offset, flags: Flags): Committed {
  const signal = { stream, after: tail, tail, events: [], sealed: flags === 's' }
  return flags === 'd' ? { ...signal, removed: true } : signal
}

/** Incarnations come from one growing sequence, and text order is their order. */
function lifeOf(offset: Offset): string {
  return offset.slice(0, 16)
}
