import type { StandardSchemaV1 } from '@standard-schema/spec'
import { HoldfastError } from './errors.ts'

/** What stands in every event of a defined stream, beside its own fields. */
export interface EventBase<Type extends string = string> {
  type: Type
  /** When it happened: RFC 3339, UTC, milliseconds. */
  timestamp: string
}

type EventSchemas = Record<string, StandardSchemaV1>

// A schema without fields infers an index signature of `never`, which would forbid `type` itself.
type Fields<T> = string extends keyof T ? unknown : T

/** One event of a stream: flat, `{type, timestamp, …fields}`, told apart by `type`. */
export type EventOf<Events extends EventSchemas> = {
  [Type in keyof Events & string]: EventBase<Type> & Fields<StandardSchemaV1.InferOutput<Events[Type]>>
}[keyof Events & string]

/** An event as its writer gives it: without `timestamp` the moment of writing is taken. */
export type EventInput<Events extends EventSchemas> = {
  [Type in keyof Events & string]: { type: Type; timestamp?: string } & Fields<
    StandardSchemaV1.InferInput<Events[Type]>
  >
}[keyof Events & string]

type ParamNames<Pattern extends string> = Pattern extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<Rest>
  : Pattern extends `${string}:${infer Name}`
    ? Name
    : never

/** The values a pattern asks for: `'projects/:id'` wants `{ id: string }`. */
export type StreamParams<Pattern extends string> = { [Name in ParamNames<Pattern>]: string }

export interface StreamOptions<Events extends EventSchemas, State> {
  /** Grows whenever `initial` or `fold` change; a stored snapshot of another version is not used. */
  version: number
  /** The events by type; each schema describes the fields beside `type` and `timestamp`. Any Standard Schema. */
  events: Events
  /** The state before the first event. */
  initial: State
  /** Pure; the same on server and client. Events of unknown types never reach it. */
  fold: (state: State, event: EventOf<Events>) => State
  /** Types that end the stream: the log seals it in the commit that appends one of them. */
  terminal?: readonly (keyof Events & string)[]
  /**
   * Brings a state stored by an earlier version up to this one. Without it a state of another version is folded anew
   * from the start, which a stream whose start was trimmed no longer has (NO_FOLD).
   */
  migrate?: (state: unknown, fromVersion: number) => State
  /** How much of the history is kept; absent keeps all of it. Only prefixes go, never what no snapshot covers. */
  retain?: Retention
  /**
   * Types of which only the newest counts, with what it is the newest of. Of two such events of one type and key,
   * with no event of another sort between them, a reader who asked for conflation may be sent the later one alone:
   * the fold of what it gets must be the fold of all.
   */
  replaces?: {
    readonly [Type in keyof Events & string]?: (
      event: EventBase<Type> & Fields<StandardSchemaV1.InferOutput<Events[Type]>>,
    ) => string
  }
  /** Whether events may be appended from outside (HTTP, WebSocket) by whoever has the right. Default false. */
  clientAppend?: boolean
}

/** Bounds of a stream's history; whichever is met first trims. Snapshots and the newest event always stay. */
export interface Retention {
  /** Newest events kept, at least 1. */
  events?: number
  /** Milliseconds, by the events' `timestamp`. */
  ageMs?: number
  /** Bytes of event text (UTF-8). */
  bytes?: number
}

/** A stream's definition: its name's pattern, its events, and the pure fold that gives its state. */
export interface StreamDefinition<
  Pattern extends string = string,
  Events extends EventSchemas = EventSchemas,
  State = unknown,
> {
  readonly pattern: Pattern
  readonly version: number
  readonly events: Events
  readonly initial: State
  readonly retain: Retention | null
  readonly clientAppend: boolean
  /** `null` where a state of another version is of no use. */
  readonly migrate: ((state: unknown, fromVersion: number) => State) | null
  /** The name of one stream: `name({ id: 'p1' })` is `'projects/p1'`. Throws INVALID_INPUT on an unusable value. */
  name(params: StreamParams<Pattern>): string
  /** The values in a name, or `null` where the name is not of this pattern. */
  match(name: string): StreamParams<Pattern> | null
  /** Whether an event of this type ends the stream. */
  isTerminal(type: string): boolean
  /** Whether only the newest event of this type and a key counts (`replaces`). */
  isReplaceable(type: string): boolean
  /** Checks an event and fills in `timestamp`; throws INVALID_INPUT naming every field that is wrong. */
  parse(event: EventInput<Events>, now: number): EventOf<Events>
  /** Folds one stored event; an event of a type this version does not know changes nothing. */
  apply(state: State, event: EventBase): State
  /** What an event is the newest of (`replaces`), or `null` where every one counts. */
  replacementKey(event: EventBase): string | null
}

// A value is one path segment: no slash, no control character, nothing that means something in a URL or a path.
const VALUE = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/
// What `Date.toISOString` writes: the text order of these is the order of time.
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/**
 * Defines a kind of stream.
 *
 * ```ts
 * export const resize = defineStream('resize/:id', {
 *   version: 1,
 *   events: { resized: z.object({ file: z.string() }) },
 *   initial: { done: 0 },
 *   fold: (state) => ({ done: state.done + 1 }),
 * })
 * ```
 */
export function defineStream<const Pattern extends string, Events extends EventSchemas, State>(
  pattern: Pattern,
  options: StreamOptions<Events, State>,
): StreamDefinition<Pattern, Events, State> {
  const segments = pattern.split('/')
  const terminal = new Set<string>(options.terminal ?? [])
  return {
    pattern,
    version: options.version,
    events: options.events,
    initial: options.initial,
    retain: options.retain ?? null,
    clientAppend: options.clientAppend ?? false,
    migrate: options.migrate ?? null,
    name: (params) => fillPattern(segments, params as Record<string, string>),
    match: (name) => matchPattern(segments, name) as StreamParams<Pattern> | null,
    isTerminal: (type) => terminal.has(type),
    isReplaceable: (type) => Object.hasOwn(options.replaces ?? {}, type),
    parse: (event, now) => parseEvent(options.events, event, now) as EventOf<Events>,
    apply: (state, event) =>
      Object.hasOwn(options.events, event.type) ? options.fold(state, event as EventOf<Events>) : state,
    replacementKey: (event) => {
      const keyOf = Object.hasOwn(options.replaces ?? {}, event.type) ? options.replaces?.[event.type] : undefined
      return keyOf ? `${event.type}\0${keyOf(event as never)}` : null
    },
  }
}

function fillPattern(segments: string[], params: Record<string, string>): string {
  return segments
    .map((segment) => {
      if (!segment.startsWith(':')) return segment
      const value = params[segment.slice(1)] ?? ''
      if (!VALUE.test(value)) {
        throw new HoldfastError('INVALID_INPUT', `"${value.slice(0, 80)}" cannot stand in a stream's name.`)
      }
      return value
    })
    .join('/')
}

function matchPattern(segments: string[], name: string): Record<string, string> | null {
  const parts = name.split('/')
  if (parts.length !== segments.length) return null
  const params: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? ''
    if (segment.startsWith(':')) {
      if (!VALUE.test(part)) return null
      params[segment.slice(1)] = part
    } else if (segment !== part) {
      return null
    }
  }
  return params
}

function parseEvent(schemas: EventSchemas, event: unknown, now: number): EventBase {
  const { type, timestamp = new Date(now).toISOString(), ...fields } = asTyped(event)
  const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined
  if (!schema) throw new HoldfastError('INVALID_INPUT', `This stream has no event "${type.slice(0, 80)}".`)
  const result = schema['~standard'].validate(fields)
  if (result instanceof Promise) {
    throw new HoldfastError('INTERNAL_ERROR', `The schema of "${type}" is asynchronous; an append cannot wait for it.`)
  }
  const errors = (result.issues ?? []).map((issue) => ({ field: fieldPath(issue.path), message: issue.message }))
  if (!isTimestamp(timestamp)) errors.push({ field: 'timestamp', message: 'not RFC 3339 in UTC with milliseconds' })
  if (result.issues || !isTimestamp(timestamp)) {
    throw new HoldfastError('INVALID_INPUT', `The event "${type}" is not valid.`, { errors })
  }
  return { type, timestamp, ...(result.value as object) }
}

/** Events come from outside too: nothing of their shape is taken for granted. */
function asTyped(event: unknown): { type: string; timestamp?: unknown } {
  const isObject = typeof event === 'object' && event !== null && !Array.isArray(event)
  if (isObject && 'type' in event && typeof event.type === 'string') return { ...event, type: event.type }
  const errors = [{ field: 'type', message: 'not there, or no text' }]
  throw new HoldfastError('INVALID_INPUT', 'An event is an object with a "type".', { errors })
}

function isTimestamp(value: unknown): value is string {
  return typeof value === 'string' && TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value))
}

function fieldPath(path: StandardSchemaV1.Issue['path']): string {
  return (path ?? []).reduce<string>((text, part) => {
    const key = typeof part === 'object' ? part.key : part
    return typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}
