import { type Offset, parseOffset } from '@holdfast/protocol'
import { shown } from './check-appends.ts'
import type { Violation, ViolationKind } from './check-history.ts'
import type { Append, Delivery, FinalLog, Reading } from './history.ts'

/** Whether a reader was given the log from where it began: no gap, no double, no other order, and all of it. */
export function checkReading(reading: Reading, log: FinalLog, acknowledged: Acknowledged): Violation[] {
  const found: Violation[] = []
  const say = (kind: ViolationKind, text: string, delivery?: Delivery) => {
    const by = delivery ? ` (${delivery.manner}, ${delivery.after} to ${delivery.offset})` : ''
    found.push({ kind, stream: log.stream, text: `${reading.reader}${by}: ${text}` })
  }
  let position = seqIn(log, reading.from)
  let ended = false
  for (const delivery of reading.deliveries) {
    const offset = seqIn(log, delivery.offset)
    if (offset === null || offset > log.events.length) {
      say('offset', `the log has no such place; it ends at ${log.events.length}`, delivery)
      return found
    }
    // These begin wherever the first delivery says.
    const isOpen = delivery.after === 'now' || delivery.after === 'state'
    const after = isOpen ? offset - delivery.events.length : seqIn(log, delivery.after)
    if (after === null) {
      say('offset', 'it begins at a place the log does not have', delivery)
      return found
    }
    position ??= after
    if (ended) say('seal', 'it came after the end', delivery)
    checkJoint(position, after, delivery, say)
    checkEvents(after, offset, delivery, log, say)
    if (delivery.sealed && !(log.sealed && offset === log.events.length)) {
      say('seal', `it is said to end here; the log ends at ${log.events.length}${log.sealed ? '' : ', open'}`, delivery)
    }
    checkFresh(delivery, acknowledged, say)
    ended ||= delivery.sealed
    position = Math.max(position, offset)
  }
  if (!reading.left && (position !== log.events.length || ended !== log.sealed)) {
    const rest = log.sealed && !ended ? ' and was never told of the end' : ''
    say('behind', `it came to ${position ?? 'no place'} of ${log.events.length}${rest}`)
  }
  return found
}

type Say = (kind: ViolationKind, text: string, delivery?: Delivery) => void

function checkJoint(position: number, after: number, delivery: Delivery, say: Say): void {
  if (after > position) say('gap', `the reader stood at ${position}`, delivery)
  if (after < position) say('doubled', `the reader stood at ${position} already`, delivery)
}

function checkEvents(after: number, offset: number, delivery: Delivery, log: FinalLog, say: Say): void {
  const { events } = delivery
  const expected = log.events.slice(after, offset)
  if (offset < after) say('offset', 'it ends before it begins', delivery)
  const at = events.findIndex((text, index) => text !== expected[index])
  if (at === -1 && events.length === expected.length) return
  if (at === -1) {
    say('gap', `${expected.length - events.length} events are missing at its end`, delivery)
    return
  }
  const text = events[at] ?? ''
  const stands = log.events.indexOf(text) + 1
  const what = `${shown(text)} came where ${shown(expected[at] ?? 'nothing')} stands`
  if (stands === 0) say('phantom', `${what}, and is not in the log`, delivery)
  else if (events.indexOf(text) < at || stands <= after + at)
    say('doubled', `${what}; it stands at ${stands}`, delivery)
  else if (new Set(events).size === expected.length) say('reordered', `${what}; it stands at ${stands}`, delivery)
  else say('gap', `${what}; it stands at ${stands}`, delivery)
}

/** Acknowledgements in their order, each with the furthest one up to it. */
export type Acknowledged = readonly { settled: number; furthest: Append; offset: Offset }[]

export function acknowledged(appends: readonly Append[]): Acknowledged {
  let furthest: { furthest: Append; offset: Offset } | null = null
  return appends
    .filter(({ outcome }) => outcome === 'ok')
    .sort((a, b) => a.settled - b.settled)
    .flatMap((append) => {
      const { offset, settled } = append
      if (offset !== undefined && (!furthest || furthest.offset < offset)) furthest = { furthest: append, offset }
      return furthest ? [{ settled, ...furthest }] : []
    })
}

/** Whoever is told that there is no more has been given all that was acknowledged before it asked. */
function checkFresh(delivery: Delivery, acknowledged: Acknowledged, say: Say): void {
  const { asked, upToDate } = delivery
  if (!upToDate || asked === undefined) return
  const before = acknowledged.findLast(({ settled }) => settled < asked)
  if (!before || before.offset <= delivery.offset) return
  const text = shown(before.furthest.events.at(-1) ?? '')
  say('stale', `${text} had been acknowledged at ${before.offset} before this was asked`, delivery)
}

/** How many events stand before a position; `null` for `now`, and for a place of another history. */
function seqIn(log: FinalLog, offset: Offset): number | null {
  if (offset === '-1') return 0
  const position = parseOffset(offset)
  return position && position.incarnation === log.incarnation ? position.seq : null
}
