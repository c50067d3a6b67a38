import { createHash } from 'node:crypto'
import type { Committed } from '../../db/database.ts'
import type { Command } from './broker.ts'
import { flagsOf, signalOf } from './signal-gathering.ts'
import { commandOf, isFlags, isNodeId, isOffset, parseJson } from './wire.ts'

/** Commands go over this one. */
export const COMMANDS_CHANNEL = 'holdfast_commands'

// Source: PostgreSQL documentation, NOTIFY: "must be specified as a simple string literal … shorter than 8000 bytes".
const PAYLOAD_MAX_BYTES = 7_999

/** One of 256 channels, by the stream's name; SQL functions of the log compute the same. */
export function channelOf(stream: string): string {
  return `holdfast_${createHash('md5').update(stream).digest('hex').slice(0, 2)}`
}

export interface Notification {
  channel: string
  payload: string
}

/** Word of streams, in as few payloads as hold it. `spilled`: channels whose streams all have to be looked at. */
export function signalNotifications(
  nodeId: string,
  signals: readonly Committed[],
  spilled: Iterable<string> = [],
): Notification[] {
  const entries = new Map<string, string[]>()
  const lookAtAll = new Set(spilled)
  for (const signal of signals) {
    const channel = channelOf(signal.stream)
    const entry = JSON.stringify([nodeId, signal.stream, signal.tail, flagsOf(signal)])
    if (Buffer.byteLength(entry) + 2 > PAYLOAD_MAX_BYTES) lookAtAll.add(channel)
    else if (!entries.get(channel)?.push(entry)) entries.set(channel, [entry])
  }
  const notifications: Notification[] = []
  for (const [channel, its] of entries) {
    for (const payload of packed(its)) notifications.push({ channel, payload })
  }
  for (const channel of lookAtAll) notifications.push({ channel, payload: JSON.stringify([[nodeId, null]]) })
  return notifications
}

function packed(entries: readonly string[]): string[] {
  const payloads: string[] = []
  let payload = ''
  let bytes = 0
  for (const entry of entries) {
    const added = Buffer.byteLength(entry) + 1
    if (payload !== '' && bytes + added + 1 > PAYLOAD_MAX_BYTES) {
      payloads.push(`[${payload}]`)
      payload = ''
      bytes = 0
    }
    payload += payload === '' ? entry : `,${entry}`
    bytes += added
  }
  payloads.push(`[${payload}]`)
  return payloads
}

/** `null` where it does not fit into a payload. */
export function commandNotification(nodeId: string, command: Command): Notification | null {
  const payload = JSON.stringify([nodeId, command])
  return Buffer.byteLength(payload) > PAYLOAD_MAX_BYTES ? null : { channel: COMMANDS_CHANNEL, payload }
}

export interface SignalsHeard {
  signals: Committed[]
  /** All streams of the channel have to be looked at. */
  all: boolean
}

/** What the other nodes and other programs say in a payload; `null` for what neither of them wrote. */
export function signalsHeard(nodeId: string, payload: string): SignalsHeard | null {
  const entries = parseJson(payload)
  if (!Array.isArray(entries)) return null
  const heard: SignalsHeard = { signals: [], all: false }
  for (const entry of entries) {
    if (!Array.isArray(entry)) return null
    const [from, stream, tail, flags] = entry
    if (!isNodeId(from)) return null
    if (from === nodeId) continue
    if (stream === null) heard.all = true
    else if (typeof stream === 'string' && isOffset(tail) && isFlags(flags)) {
      heard.signals.push(signalOf(stream, tail, flags))
    } else return null
  }
  return heard
}

/** `'own'` for what this node sent, `null` for what is no command. */
export function commandHeard(nodeId: string, payload: string): Command | 'own' | null {
  const value = parseJson(payload)
  if (!Array.isArray(value) || !isNodeId(value[0])) return null
  return value[0] === nodeId ? 'own' : commandOf(value[1])
}
