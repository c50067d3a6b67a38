import { formatOffset } from '@holdfast/protocol'
import type { Violation, ViolationKind } from './check-history.ts'
import type { Append, FinalLog } from './history.ts'

/** Whether the log holds what producers were told it holds, in the order they were told. */
export function checkAppends(appends: readonly Append[], log: FinalLog): Violation[] {
  const places = placesOf(log)
  return [
    ...appends.flatMap((append) => checkAppend(append, log, places)),
    ...checkStrangers(appends, log),
    ...checkTimes(appends, log, places),
    ...checkProducers(appends, log, places),
    ...checkEnd(appends, log, places),
  ]
}

/** How a violation names an event: its own mark where it has one. */
export function shown(text: string): string {
  return /"id":"([^"]*)"/.exec(text)?.[1] ?? text.slice(0, 60)
}

type Places = ReadonlyMap<string, readonly number[]>

/** Where each text stands, counted from 1 as offsets are. */
function placesOf(log: FinalLog): Places {
  const places = new Map<string, number[]>()
  for (const [index, text] of log.events.entries()) {
    const known = places.get(text)
    if (known) known.push(index + 1)
    else places.set(text, [index + 1])
  }
  return places
}

function checkAppend(append: Append, log: FinalLog, places: Places): Violation[] {
  const { producer, outcome, events } = append
  const found: Violation[] = []
  const say = (kind: ViolationKind, what: string) =>
    found.push({
      kind,
      stream: log.stream,
      text: `${events.map(shown).join(', ')} of ${producer} (${outcome}): ${what}`,
    })
  const at = events.map((text) => places.get(text) ?? [])
  const kept = at.filter((found) => found.length > 0).length
  if (at.some((found) => found.length > 1)) say('doubled', `in the log at ${at.join(' and ')}`)
  if (outcome === 'ok' && kept < events.length)
    say('lost', `${events.length - kept} of ${events.length} not in the log`)
  else if (outcome === 'fail' && kept > 0) say('phantom', `refused with ${append.code}, and in the log at ${at}`)
  else if (kept > 0 && kept < events.length) say('torn', `${kept} of ${events.length} in the log`)
  const [first = 0] = at[0] ?? []
  if (kept === events.length && at.some(([place = 0], index) => place !== first + index)) {
    say('torn', `not side by side: at ${at.join(' and ')}`)
  }
  if (append.stale && (outcome === 'ok' || kept > 0))
    say('unfenced', `taken with epoch ${append.sequence?.epoch}, which was over`)
  const last = at.at(-1)?.[0]
  if (outcome === 'ok' && append.offset !== undefined && last !== undefined) {
    const expected = formatOffset({ incarnation: log.incarnation, seq: last })
    if (append.offset !== expected) say('offset', `acknowledged at ${append.offset}, stands at ${expected}`)
  }
  return found
}

function checkStrangers(appends: readonly Append[], log: FinalLog): Violation[] {
  const known = new Set(appends.flatMap(({ events }) => events))
  return log.events.flatMap((text, index) =>
    known.has(text)
      ? []
      : [{ kind: 'phantom' as const, stream: log.stream, text: `nobody appended ${shown(text)}, at ${index + 1}` }],
  )
}

/**
 * What was acknowledged before another append was asked stands before it, whoever asked. Swept from the end: the
 * earliest acknowledgement behind a place may not be older than the asking of what stands there.
 */
function checkTimes(appends: readonly Append[], log: FinalLog, places: Places): Violation[] {
  const placed = appends
    .map((append) => ({ append, place: places.get(append.events[0] ?? '')?.[0] ?? 0 }))
    .filter(({ place }) => place > 0)
    .sort((a, b) => b.place - a.place)
  const found: Violation[] = []
  let earliest: Append | null = null
  for (const { append } of placed) {
    if (earliest && earliest.settled < append.invoked) {
      found.push({
        kind: 'reordered',
        stream: log.stream,
        text: `${shown(append.events[0] ?? '')} was asked after ${shown(earliest.events[0] ?? '')} was acknowledged, and stands before it`,
      })
    }
    if (append.outcome === 'ok' && (!earliest || append.settled < earliest.settled)) earliest = append
  }
  return found
}

/** An idempotent producer's appends stand in its own order, also those it never heard of again. */
function checkProducers(appends: readonly Append[], log: FinalLog, places: Places): Violation[] {
  const found: Violation[] = []
  const last = new Map<string, { append: Append; place: number }>()
  const sequenced = appends.filter(({ sequence, stale }) => sequence && !stale)
  sequenced.sort((a, b) => orderOf(a) - orderOf(b))
  for (const append of sequenced) {
    const place = places.get(append.events[0] ?? '')?.[0]
    if (place === undefined) continue
    const before = last.get(append.producer)
    if (before && before.place > place) {
      const [one, two] = [before.append, append].map(({ events }) => shown(events[0] ?? ''))
      const text = `${append.producer} sent ${one} before ${two}; they stand at ${before.place} and ${place}`
      found.push({ kind: 'reordered', stream: log.stream, text })
    }
    last.set(append.producer, { append, place })
  }
  return found
}

function orderOf({ sequence }: Append): number {
  return (sequence?.epoch ?? 0) * 1_000_000_000 + (sequence?.seq ?? 0)
}

function checkEnd(appends: readonly Append[], log: FinalLog, places: Places): Violation[] {
  const found: Violation[] = []
  const say = (text: string) => found.push({ kind: 'seal', stream: log.stream, text })
  const sealing = appends.filter(({ seal }) => seal)
  for (const { producer, outcome, events } of sealing) {
    const last = places.get(events.at(-1) ?? '')?.[0]
    if (outcome === 'ok' && !log.sealed) say(`${producer} sealed it, and it is open`)
    if (last !== undefined && last !== log.events.length) {
      say(`it ended at ${last} with ${shown(events.at(-1) ?? '')}, and goes on to ${log.events.length}`)
    }
  }
  if (log.sealed && sealing.every(({ outcome }) => outcome === 'fail')) say('it is sealed, and nobody sealed it')
  return found
}
