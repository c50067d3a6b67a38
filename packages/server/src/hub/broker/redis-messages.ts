import { parseOffset } from '@holdfast/protocol'
import type { Committed } from '../../db/database.ts'
import type { Command } from './broker.ts'
import { flagsOf, signalOf } from './signal-gathering.ts'
import { commandOf, isFlags, isNodeId, isOffset, parseJson } from './wire.ts'

/** `[node, tail, flags]`, and where its events travel along `[node, tail, flags, position before them, events]`. */
export function signalMessage(nodeId: string, signal: Committed): string {
  const { after, tail, events } = signal
  const word = [nodeId, tail, flagsOf(signal)]
  return JSON.stringify(events.length > 0 ? [...word, after, events] : word)
}

/** `[node, command]`; `null` as the command: all streams have to be looked at. */
export function commandMessage(nodeId: string, command: Command | null): string {
  return JSON.stringify([nodeId, command])
}

/** `'own'` for what this node sent, `null` for what no node wrote. */
export function signalHeard(nodeId: string, stream: string, message: string): Committed | 'own' | null {
  const value = parseJson(message)
  if (!Array.isArray(value)) return null
  const [from, tail, flags, after, events] = value
  if (from === nodeId) return 'own'
  if (!isNodeId(from) || !isOffset(tail) || !isFlags(flags)) return null
  const signal = signalOf(stream, tail, flags)
  if (value.length === 3) return signal
  if (!isOffset(after) || !isTexts(events) || flags === 'd' || !spans(after, tail, events.length)) return null
  return { ...signal, after, events }
}

export function commandHeard(nodeId: string, message: string): Command | 'own' | 'look' | null {
  const value = parseJson(message)
  if (!Array.isArray(value) || value.length !== 2 || !isNodeId(value[0])) return null
  if (value[0] === nodeId) return 'own'
  return value[1] === null ? 'look' : commandOf(value[1])
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string')
}

/** Whether so many events stand between the two. */
function spans(after: string, tail: string, count: number): boolean {
  const [from, to] = [parseOffset(after), parseOffset(tail)]
  return from?.incarnation === to?.incarnation && Number(to?.seq) - Number(from?.seq) === count
}
