import {
  type ClientFrame,
  ERRORS,
  type ErrorCode,
  type Offset,
  type Problem,
  type ServerFrame,
  type StreamFrame,
} from '@holdfast/protocol'
import * as z from 'zod'

/**
 * The frames of protocol/frames.ts as schemas. The last lines hold one against the other, so that a frame
 * that changes in one place alone does not compile.
 */
const stream = z.string().describe("The stream's name.")
const offset: z.ZodType<Offset> = z
  .string()
  .regex(/^[0-9]{16}_[0-9]{16}$/)
  .describe('A position: text that sorts, not to be computed with.')
const ref = z.union([z.string(), z.number()]).describe("The client's own mark, given back with the answer.")
const time = z.iso.datetime({ precision: 3 }).describe('RFC 3339, UTC, milliseconds.')
const span = { stream, after: offset, offset }
const state = z.unknown().describe('The folded state at `offset`.')
const version = z.int().describe("Of the state's definition.")
const whole = z.int().min(0)

const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]
const kinds = [...new Set(Object.values(ERRORS).map(({ kind }) => kind))]

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(codes),
    kind: z.enum(kinds),
    retry: z.boolean().describe('Whether the same request can succeed later.'),
    retryAfter: z.number().describe('Seconds.').optional(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    current: z.unknown().describe('Of a conflict: how the thing stands now.').optional(),
    requestId: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'What went wrong. Source: RFC 9457.' })

/** What the server says of one stream, on `/v1/ws` and on the stream's own URL. */
export const streamFrames = {
  events: z.object({ type: z.literal('events'), ...span, events: z.array(z.unknown()) }),
  up_to_date: z.object({ type: z.literal('up_to_date'), ...span }),
  sealed: z.object({ type: z.literal('sealed'), ...span }),
  error: z.object({ type: z.literal('error'), stream: stream.optional(), ref: ref.optional(), error: problemSchema }),
}

/** What the server says on `/v1/ws`. */
export const serverFrames = {
  ...streamFrames,
  welcome: z.object({
    type: z.literal('welcome'),
    protocol: z.literal(1),
    time,
    heartbeatMs: whole,
    principal: z.string().describe('Who the other end is.'),
    scope: z.array(z.string()).describe('What they may do.'),
    expiresAt: time.describe('When their token expires.').optional(),
    limits: z.object({ subscriptions: whole, frameBytes: whole, appendEvents: whole }),
  }),
  subscribed: z.object({
    type: z.literal('subscribed'),
    stream,
    offset,
    contentType: z.string(),
    sealed: z.boolean(),
    state: state.optional(),
    version: version.optional(),
  }),
  reset: z.object({
    type: z.literal('reset'),
    stream,
    offset,
    error: problemSchema,
    state: state.optional(),
    version: version.optional(),
  }),
  unsubscribed: z.object({ type: z.literal('unsubscribed'), stream }),
  appended: z.object({
    type: z.literal('appended'),
    ref,
    stream,
    offset,
    duplicate: z.literal(true).optional(),
    sealed: z.literal(true).optional(),
  }),
  authenticated: z.object({
    type: z.literal('authenticated'),
    ref: ref.optional(),
    expiresAt: time.nullable().describe('When the token expires; null where it does not.'),
  }),
  pong: z.object({ type: z.literal('pong'), ref: ref.optional(), time }),
  heartbeat: z.object({ type: z.literal('heartbeat'), time }),
  drain: z.object({ type: z.literal('drain'), retryAfterMs: whole }),
}

/** What a client says on `/v1/ws`. */
export const clientFrames = {
  subscribe: z.object({
    type: z.literal('subscribe'),
    stream,
    from: z.union([z.enum(['-1', 'now', 'state']), offset]).optional(),
    conflate: z.boolean().optional(),
  }),
  unsubscribe: z.object({ type: z.literal('unsubscribe'), stream }),
  append: z.object({
    type: z.literal('append'),
    ref,
    stream,
    events: z.array(z.unknown()),
    producer: z.object({ id: z.string().min(1), epoch: whole, seq: whole }).optional(),
    seal: z.boolean().optional(),
  }),
  authenticate: z.object({ type: z.literal('authenticate'), ref: ref.optional(), token: z.string() }),
  ping: z.object({ type: z.literal('ping'), ref: ref.optional() }),
}

type FrameOf<Schemas extends Record<string, z.ZodType>> = z.infer<Schemas[keyof Schemas]>
/** Without the difference between a field that is absent and one that is `undefined`. */
type Exact<T> = T extends string | number | boolean
  ? T
  : T extends readonly (infer Item)[]
    ? Exact<Item>[]
    : T extends object
      ? { [Key in keyof T]-?: Exact<Exclude<T[Key], undefined>> | (undefined extends T[Key] ? null : never) }
      : T
type Same<A, B> = [Exact<A>] extends [Exact<B>] ? ([Exact<B>] extends [Exact<A>] ? true : never) : never

// `never` takes no `true`: each stands only while the two agree.
true satisfies Same<Problem, z.infer<typeof problemSchema>>
true satisfies Same<StreamFrame, FrameOf<typeof streamFrames>>
true satisfies Same<ServerFrame, FrameOf<typeof serverFrames>>
true satisfies Same<ClientFrame, FrameOf<typeof clientFrames>>
