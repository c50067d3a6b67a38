import { type ClientFrame, defineStream, type EventBase, HoldfastError, type ServerFrame } from '@holdfast/protocol'
import fc from 'fast-check'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { asyncApi } from './asyncapi.ts'
import { asyncApiErrors, brokenReferences, payloadValidator, type Validate, validator } from './fixtures/validators.ts'
import type { JsonSchema } from './json-schema.ts'

const place = z.object({ x: z.number(), y: z.number() })
const board = defineStream('teams/:team/boards/:board', {
  version: 4,
  events: {
    moved: z.object({ who: z.string().check(z.minLength(1)), to: place, by: z.optional(z.enum(['hand', 'machine'])) }),
    'said/~aloud': z.object({ text: z.string().check(z.maxLength(5)) }),
    'said.~aloud': z.object({}),
    closed: z.object({ reason: z.nullable(z.string()), note: z._default(z.string(), '') }),
  },
  initial: null,
  fold: () => null,
  terminal: ['closed'],
  replaces: { moved: ({ who }) => who },
  retain: { events: 10, ageMs: 60_000 },
  clientAppend: true,
})
const quiet = defineStream('quiet', { version: 1, events: { heard: z.object({}) }, initial: 0, fold: (n) => n + 1 })

const CHANNEL = 'teams._team.boards._board'
const BOARD = 'teams/:team/boards/:board'

interface Document {
  servers: Record<string, { host: string; protocol: string }>
  info: { description: string }
  channels: Record<string, { address: string; messages: Record<string, object>; parameters?: object }>
  operations: Record<string, { action: string; messages: { $ref: string }[]; reply?: { messages: { $ref: string }[] } }>
  components: {
    messages: Record<string, { name: string; payload: { $ref: string } }>
    schemas: Record<string, JsonSchema>
  }
}

const app = Fastify()
let document: Document
beforeAll(async () => {
  await app.register(asyncApi, { definitions: [board, quiet] })
  app.setErrorHandler((error, _, reply) => reply.code(error instanceof HoldfastError ? error.status : 500).send())
  document = (await get('/asyncapi.json')).json()
})
afterAll(() => app.close())

const get = (url: string) => app.inject({ url, headers: { host: 'streams.example.org:8443' } })
const schemaAt = async (url: string) => (await get(`/v1/schemas/${url}.json`)).json<JsonSchema>()
const namesOf = (refs: readonly { $ref: string }[]) =>
  refs.map(({ $ref }) => document.components.messages[$ref.split('/').at(-1) ?? '']?.name)

describe('/asyncapi.json', () => {
  it('[ASYNC1] is AsyncAPI 3.1 by its own schema, and every reference leads somewhere', () => {
    expect(document).toMatchObject({ asyncapi: '3.1.0', info: { title: 'Holdfast streams' } })
    expect(asyncApiErrors(document)).toEqual([])
    expect(asyncApiErrors({ ...document, operations: { broken: { action: 'shout' } } })).not.toEqual([])
    expect(brokenReferences(document)).toEqual([])
  })

  it('[ASYNC1] names the server as whoever asks has reached it, and how to say who one is', () => {
    expect(document.servers).toMatchObject({
      http: { host: 'streams.example.org:8443', protocol: 'http' },
      websocket: { host: 'streams.example.org:8443', protocol: 'ws' },
    })
    expect(document.components).toMatchObject({
      securitySchemes: { bearer: { scheme: 'bearer' }, session: { in: 'cookie' } },
    })
  })

  it('[ASYNC2] a stream is a channel with its parameters and what is kept of it', () => {
    expect(Object.keys(document.channels)).toEqual([CHANNEL, 'quiet', 'socket', 'requests'])
    expect(document.channels[CHANNEL]).toMatchObject({
      address: '/v1/stream/teams/{team}/boards/{board}',
      'x-stream-pattern': BOARD,
      'x-state-version': 4,
      'x-json-schema': `/v1/schemas/streams/${BOARD}.json`,
      'x-retention': { events: 10, ageMs: 60_000 },
    })
    expect(Object.keys(document.channels[CHANNEL]?.parameters ?? {})).toEqual(['team', 'board'])
    expect(document.channels.quiet).not.toHaveProperty('parameters')
    expect(document.channels.quiet).not.toHaveProperty('x-retention')
  })

  it('[X13a][ASYNC2] every type of event is a message; those that end, and those that are replaced, say so', () => {
    const messages = Object.values(document.components.messages)
    const of = (name: string) => messages.find((message) => message.name === name)
    expect(of('moved')).toMatchObject({ 'x-replaces': true })
    expect(of('closed')).toMatchObject({ 'x-terminal': true })
    expect(of('heard')).not.toHaveProperty('x-terminal')
    expect(of('heard')).not.toHaveProperty('x-replaces')
    expect(Object.keys(document.channels[CHANNEL]?.messages ?? {})).toHaveLength(8)
  })

  it('[ASYNC2] all may be read, and appended where the definition says so', () => {
    const { [`${CHANNEL}.read`]: read, [`${CHANNEL}.append`]: append, 'quiet.read': other } = document.operations
    expect([read?.action, append?.action, other?.action]).toEqual(['receive', 'send', 'receive'])
    expect(namesOf(read?.messages ?? [])).toEqual(Object.keys(board.events))
    expect(namesOf(append?.messages ?? [])).toEqual(Object.keys(board.events))
    expect(document.operations).not.toHaveProperty('quiet.append')
  })

  it('[ASYNC2] the frames of /v1/ws go both ways, each with what answers it', () => {
    expect(document.channels.socket?.address).toBe('/v1/ws')
    expect(namesOf(document.operations['socket.append']?.messages ?? [])).toEqual(['append'])
    expect(namesOf(document.operations['socket.append']?.reply?.messages ?? [])).toEqual(['error', 'appended'])
    expect(namesOf(document.operations['socket.receive']?.messages ?? [])).toContain('heartbeat')
  })

  it('[ASYNC2] the frames of /v1/read are those of /v1/ws that a request can be answered with', () => {
    expect(document.channels.requests?.address).toBe('/v1/read')
    const names = namesOf(document.operations['requests.receive']?.messages ?? [])
    expect(names.sort()).toEqual(
      ['welcome', 'subscribed', 'events', 'up_to_date', 'sealed', 'reset', 'error', 'heartbeat', 'drain'].sort(),
    )
  })
})

describe('/v1/schemas', () => {
  it('[ASYNC3] lists every schema there is, each at its address', async () => {
    const { schemas } = (await get('/v1/schemas')).json<{ schemas: { url: string; title: string }[] }>()
    expect(schemas.map(({ url }) => url)).toEqual([
      `/v1/schemas/streams/${BOARD}.json`,
      `/v1/schemas/appends/${BOARD}.json`,
      '/v1/schemas/streams/quiet.json',
      '/v1/schemas/frames/stream.json',
      '/v1/schemas/frames/server.json',
      '/v1/schemas/frames/client.json',
    ])
    for (const { url, title } of schemas) {
      const answer = await get(url)
      expect(answer.headers['content-type']).toContain('application/schema+json')
      const schema = answer.json<JsonSchema>()
      expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', $id: url, title })
      expect(brokenReferences(schema)).toEqual([])
      expect(() => validator(schema)).not.toThrow()
    }
  })

  it('[ASYNC3] anything else is not there', async () => {
    for (const path of ['nothing.json', 'streams/teams/t1/boards/b1.json', 'streams/..%2Fquiet.json', '__proto__']) {
      expect((await get(`/v1/schemas/${path}`)).statusCode).toBe(404)
    }
  })
})

const timestamp = '2026-01-01T00:00:00.000Z'
const json = (value: unknown) => JSON.parse(JSON.stringify(value))
const parsed = (event: unknown): EventBase | null => {
  try {
    return board.parse(event as never, 0)
  } catch {
    return null
  }
}
const wild = fc.jsonValue({ maxDepth: 2 })
const right = fc.oneof(
  fc.record({ type: fc.constant('moved'), who: fc.string({ minLength: 1 }), to: fc.constant({ x: 1, y: -0.5 }) }),
  fc.record({ type: fc.constant('said/~aloud'), text: fc.string({ maxLength: 5, unit: 'grapheme-ascii' }) }),
  fc.record({ type: fc.constant('closed'), reason: fc.constantFrom(null, 'done') }),
)
/** Events that are right, and the same with one field put wrong, another added, one left out. */
const event = fc
  .tuple(
    right,
    fc.option(fc.tuple(fc.constantFrom('type', 'timestamp', 'who', 'to', 'text', 'by', 'reason', 'z'), wild)),
  )
  .map(([fields, change]) => (change ? { ...fields, [change[0]]: change[1] } : fields))

describe('the schema of a stream', () => {
  let read: Validate
  let append: Validate
  let message: (type: string) => Validate
  beforeAll(async () => {
    read = validator(await schemaAt(`streams/${BOARD}`))
    append = validator(await schemaAt(`appends/${BOARD}`))
    message = (type) => {
      const key = Object.entries(document.components.messages).find(([, { name }]) => name === type)?.[0] ?? ''
      return payloadValidator(document, key)
    }
  })

  it('[X13a][ASYNC4] takes what the definition makes of an event, and the append schema what it is made of', () => {
    fc.assert(
      fc.property(event, (given) => {
        const kept = parsed(given)
        if (kept) expect(read(json(kept))).toEqual([])
        expect(append(json(given)).length === 0).toBe(kept !== null)
      }),
      { numRuns: 2_000 },
    )
  })

  it('[ASYNC4] refuses an event that is none of its type, and takes types it does not know', () => {
    const moved = { type: 'moved', timestamp, who: 'a', to: { x: 1, y: 2 } }
    expect(read(moved)).toEqual([])
    for (const wrong of [
      { ...moved, who: 5 },
      { ...moved, to: { x: 1 } },
      { ...moved, by: 'wind' },
      { ...moved, timestamp: 'yesterday' },
      { ...moved, timestamp: undefined },
      { ...moved, type: 5 },
      { type: 'closed', timestamp },
      [moved],
      'moved',
    ]) {
      expect(read(wrong)).not.toEqual([])
    }
    expect(read({ type: 'flown', timestamp, over: 'the sea' })).toEqual([])
    expect(read({ ...moved, colour: 'of a newer server' })).toEqual([])
    expect(append({ type: 'flown', timestamp })).not.toEqual([])
  })

  it('[ASYNC4] the messages of /asyncapi.json say the same', () => {
    const moved = { type: 'moved', timestamp, who: 'a', to: { x: 1, y: 2 } }
    expect(message('moved')(moved)).toEqual([])
    expect(message('moved')({ ...moved, who: 5 })).not.toEqual([])
    expect(message('said/~aloud')({ type: 'said/~aloud', timestamp, text: 'hello' })).toEqual([])
    expect(message('said/~aloud')({ type: 'said.~aloud', timestamp, text: 'hello' })).not.toEqual([])
  })
})

describe('the schemas of the frames', () => {
  const offset = '0000000000000007_0000000000000003'
  const span = { stream: 's', after: offset, offset }
  const error = json(new HoldfastError('PRODUCER_GAP', 'x', { errors: [{ field: 'a', message: 'b' }] }).toProblem('r'))
  const server: ServerFrame[] = [
    { type: 'events', ...span, events: [1, null, { type: 'x' }] },
    { type: 'up_to_date', ...span },
    { type: 'sealed', ...span },
    { type: 'error', ref: 1, error },
    {
      type: 'welcome',
      protocol: 1,
      time: timestamp,
      heartbeatMs: 1,
      principal: 'ann',
      scope: ['read:*'],
      expiresAt: timestamp,
      limits: { subscriptions: 1, frameBytes: 1, appendEvents: 1 },
    },
    { type: 'subscribed', stream: 's', offset, contentType: 'text/plain', sealed: false, state: null, version: 1 },
    { type: 'reset', stream: 's', offset, error },
    { type: 'unsubscribed', stream: 's' },
    { type: 'appended', ref: 'a', stream: 's', offset, duplicate: true },
    { type: 'authenticated', expiresAt: null },
    { type: 'pong', ref: 1, time: timestamp },
    { type: 'heartbeat', time: timestamp },
    { type: 'drain', retryAfterMs: 5 },
  ]
  const client: ClientFrame[] = [
    { type: 'subscribe', stream: 's', from: 'now', conflate: true },
    { type: 'subscribe', stream: 's', from: offset },
    { type: 'unsubscribe', stream: 's' },
    { type: 'append', ref: 1, stream: 's', events: [], producer: { id: 'p', epoch: 0, seq: 1 }, seal: true },
    { type: 'authenticate', token: 't' },
    { type: 'ping' },
  ]

  it('[ASYNC6] take every frame, and none of them with a field that is not as it should be', async () => {
    for (const [name, frames] of [
      ['server', server],
      ['client', client],
    ] as const) {
      const validate = validator(await schemaAt(`frames/${name}`))
      for (const frame of frames) {
        expect(validate(frame), JSON.stringify(frame)).toEqual([])
        for (const key of Object.keys(frame)) {
          if (key !== 'state')
            expect(validate({ ...frame, [key]: { nothing: 1 } }), `${frame.type}.${key}`).not.toEqual([])
        }
      }
    }
  })

  it('[ASYNC6] a reader passes over frames it does not know; the server takes none', async () => {
    const newer = { type: 'applause', loud: true }
    expect(validator(await schemaAt('frames/server'))(newer)).toEqual([])
    expect(validator(await schemaAt('frames/stream'))(newer)).toEqual([])
    expect(validator(await schemaAt('frames/client'))(newer)).not.toEqual([])
    expect(validator(await schemaAt('frames/client'))({ type: 'subscribe', stream: 's', from: 'later' })).not.toEqual(
      [],
    )
  })
})
