import type { EventBase, StreamDefinition } from '@holdfast/protocol'
import { checkAppends } from './check-appends.ts'
import { acknowledged, checkReading } from './check-reading.ts'
import { canonical, type FinalLog, type History } from './history.ts'

/** What a history shows that may not be. */
export type ViolationKind =
  /** An acknowledged event is not in the log. */
  | 'lost'
  /** An event stands twice: in the log, or in what a reader was given. */
  | 'doubled'
  /** Part of an append is in the log, or its events do not stand side by side. */
  | 'torn'
  /** An event nobody appended, or that was refused. */
  | 'phantom'
  /** Events in another order than they were appended, acknowledged or kept in. */
  | 'reordered'
  /** A reader missed events. */
  | 'gap'
  /** A reader never came to the end of the log. */
  | 'behind'
  /** A reader was told that there is no more, and what had been acknowledged before was not there. */
  | 'stale'
  /** An offset that is not the one of its place, or of another history. */
  | 'offset'
  /** A sealed stream went on, or one that had not ended was said to have. */
  | 'seal'
  /** A producer whose epoch was over was let in. */
  | 'unfenced'
  /** A state that is not the fold of the events before it. */
  | 'state'
  /** An answer that has no place in a history. */
  | 'refused'
  /** The server ended, and nobody had ended it. */
  | 'died'
  /** The stream, or its state, cannot be read any more. */
  | 'unreadable'
  /** The server ended a reader's connection while only the store was away. */
  | 'sent home'
  /** A run did a step twice, out of order or not at all, or told of it otherwise than its tables do. */
  | 'step'
  /** A run that did not end, or not as was acknowledged. */
  | 'run'

export interface Violation {
  kind: ViolationKind
  stream: string
  text: string
}

// biome-ignore lint/suspicious/noExplicitAny: a definition of any events and state.
type AnyDefinition = StreamDefinition<any, any, any>

/**
 * Holds what clients were told against the log as it stands in the end: every acknowledged append is there once and
 * in its order, every reader was given the log and nothing else, every state is the fold. Pure; no violations mean
 * that the promises held in this history.
 */
export function checkHistory(
  history: History,
  logs: readonly FinalLog[],
  definitionOf: (stream: string) => AnyDefinition | null = () => null,
): Violation[] {
  return logs.flatMap((log) => {
    const appends = history.appends.filter(({ stream }) => stream === log.stream)
    const answered = acknowledged(appends)
    const readings = history.readings.filter(({ stream }) => stream === log.stream)
    const complaints = history.complaints.filter(({ stream }) => stream === log.stream)
    const definition = definitionOf(log.stream)
    return [
      ...complaints.map(({ text }) => ({ kind: 'refused' as const, stream: log.stream, text })),
      ...checkAppends(appends, log),
      ...readings.flatMap((reading) => checkReading(reading, log, answered)),
      ...(definition ? checkStates(history, log, definition) : []),
    ]
  })
}

function checkStates(history: History, log: FinalLog, definition: AnyDefinition): Violation[] {
  const states = history.states.filter(({ stream }) => stream === log.stream)
  const folded = [canonical(definition.initial)]
  let state = definition.initial
  for (const text of log.events) {
    state = definition.apply(state, JSON.parse(text) as EventBase)
    folded.push(canonical(state))
  }
  return states.flatMap(({ reader, state, offset, sealed }) => {
    const expected = folded[Number(offset.slice(17))]
    const shown = canonical(state)
    const found: Violation[] = []
    if (shown !== expected) {
      found.push({
        kind: 'state',
        stream: log.stream,
        text: `${reader} was shown ${shown} at ${offset}, the fold is ${expected ?? 'none: the log ends before it'}`,
      })
    }
    if (sealed && !(log.sealed && Number(offset.slice(17)) === log.events.length)) {
      found.push({ kind: 'seal', stream: log.stream, text: `${reader} was shown a sealed state at ${offset}` })
    }
    return found
  })
}
