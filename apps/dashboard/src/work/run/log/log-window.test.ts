import { formatOffset, OFFSET_START, parseOffset } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import type { LogLine } from '../../api.ts'
import { findFailure, LogWindow } from './log-window.ts'

const PAGE = 50

/** A journal of `events` events of which each `every`th is a line of the log. */
class Journal {
  readonly #every: number
  events = 0
  reads = 0

  constructor(events: number, every = 1) {
    this.events = events
    this.#every = every
  }

  readonly tail = () => (this.events === 0 ? null : formatOffset({ incarnation: 1, seq: this.events }))

  readonly read = async (after: string) => {
    this.reads += 1
    const start = after === OFFSET_START ? 0 : (parseOffset(after)?.seq ?? Number.NaN)
    const items: LogLine[] = []
    let seq = start + 1
    for (; seq <= this.events && items.length < PAGE; seq += 1) if (seq % this.#every === 0) items.push(lineOf(seq))
    return { items, nextCursor: seq <= this.events ? (items[items.length - 1]?.offset ?? null) : null }
  }
}

function lineOf(seq: number): LogLine {
  const offset = formatOffset({ incarnation: 1, seq })
  return { offset, timestamp: '2026-11-22T00:00:00.000Z', type: 'log', level: 'info', message: String(seq) }
}

const numbers = (window: LogWindow) => window.getSnapshot().lines.map(({ message }) => Number(message))

/** Every `every`th number from `from` to `to`. */
function range(from: number, to: number, every = 1): number[] {
  return Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, index) => from + index * every)
}

describe('a window on a log', () => {
  it('[PG63] opens at the end of a long one without reading it whole', async () => {
    const journal = new Journal(100_000)
    const window = new LogWindow(journal)
    await window.openEnd()
    expect(numbers(window)).toEqual(range(99_801, 100_000))
    expect(window.getSnapshot()).toMatchObject({ hasEarlier: true, hasLater: false })
    expect(journal.reads).toBeLessThan(8)
  })

  it('[PG63] takes what comes, each line once, and what is earlier when it is asked for', async () => {
    const journal = new Journal(500)
    const window = new LogWindow(journal)
    await window.openEnd()
    journal.events = 640
    await Promise.all([window.later(), window.later(), window.later()])
    expect(numbers(window)).toEqual(range(301, 640))
    await window.earlier()
    expect(numbers(window)).toEqual(range(101, 640))
    await window.earlier()
    expect(numbers(window)).toEqual(range(1, 640))
    expect(window.getSnapshot().hasEarlier).toBe(false)
  })

  it('[PG63] looks further back where few lines are of the level', async () => {
    const journal = new Journal(20_000, 997)
    const window = new LogWindow(journal)
    await window.openEnd()
    expect(numbers(window)).toEqual(range(997, 20_000, 997))
    expect(window.getSnapshot().hasEarlier).toBe(false)
  })

  it('[PG63] opens around a line whose address was given', async () => {
    const journal = new Journal(10_000)
    const window = new LogWindow(journal)
    await window.openAt(lineOf(5000).offset)
    const seen = numbers(window)
    expect(seen).toEqual(range(4800, 5049))
    expect(window.getSnapshot()).toMatchObject({ hasEarlier: true, hasLater: true })
    await window.later()
    expect(numbers(window).at(-1)).toBe(10_000)
    expect(window.getSnapshot().hasLater).toBe(false)
  })

  it('[PG63] keeps no more than 2,000 lines, and none is missing between', async () => {
    const journal = new Journal(1000)
    const window = new LogWindow(journal)
    await window.openEnd()
    journal.events = 9000
    await window.later()
    expect(numbers(window)).toEqual(range(7001, 9000))
    await window.earlier()
    expect(numbers(window)).toEqual(range(6801, 8800))
    expect(window.getSnapshot().hasLater).toBe(true)
    await window.later()
    expect(numbers(window)).toEqual(range(7001, 9000))
  })

  it('[PG63] says that reading failed, keeps what it has and goes on', async () => {
    const journal = new Journal(10)
    let isAway = false
    const window = new LogWindow({
      tail: journal.tail,
      read: (after) => (isAway ? Promise.reject(new Error('away')) : journal.read(after)),
    })
    await window.openEnd()
    isAway = true
    journal.events = 12
    await window.later()
    expect(window.getSnapshot()).toMatchObject({ error: new Error('away'), isReading: false })
    isAway = false
    await window.later()
    expect(numbers(window)).toEqual(range(1, 12))
    expect(window.getSnapshot().error).toBeNull()
  })

  it('[PG63] finds what went wrong before the end', () => {
    const lines: LogLine[] = [
      { ...lineOf(1), type: 'step_failed', level: 'error' },
      { ...lineOf(2), type: 'log', level: 'error' },
      { ...lineOf(3), type: 'log' },
      { ...lineOf(4), type: 'failed', level: 'error' },
    ]
    expect(findFailure(lines)?.message).toBe('2')
    expect(findFailure(lines.slice(2))?.message).toBe('4')
    expect(findFailure(lines.slice(2, 3))).toBeUndefined()
  })
})
