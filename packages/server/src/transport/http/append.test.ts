import { defineStream } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defineApp } from '../../define-app.ts'
import { countersApp, type LiveServer, startLiveServer } from '../fixtures/live-server.ts'
import { type Ask, streamClient } from '../fixtures/stream-client.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const TEXT_TYPE = { 'content-type': 'text/plain' }

const notes = defineStream('notes/:id', {
  version: 1,
  events: { noted: z.object({ text: z.string() }), tagged: z.object({ any: z.any() }), finished: z.object({}) },
  initial: null,
  fold: (state) => state,
  terminal: ['finished'],
  clientAppend: true,
})
const notesApp = defineApp({ name: 'notes', streams: [notes], migrations: [], setup: () => ({}) })

let live: LiveServer
let ask: Ask
beforeEach(async () => {
  live = await startLiveServer({ apps: [countersApp, notesApp], limits: { requestBytes: 10_000, appendMessages: 20 } })
  ask = streamClient(live)
})
afterEach(() => live[Symbol.asyncDispose]())

const append = (path: string, body: string, headers: Record<string, string> = {}) =>
  ask('POST', path, { headers: { ...JSON_TYPE, ...headers }, body })

describe('making a stream: PUT', () => {
  it('[HTTP10] makes it with its type and content and says where, or makes sure that it is like that', async () => {
    const made = await ask('PUT', 'a/b', { headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'one' })
    expect([made.status, made.headers.get('content-type'), made.text]).toEqual([201, 'text/plain; charset=utf-8', ''])
    expect(made.headers.get('location')).toBe(`http://127.0.0.1:${live.port}/v1/stream/a/b`)
    expect(made.headers.get('stream-next-offset')).toMatch(/_0{15}1$/)
    const again = await ask('PUT', 'a/b', { headers: TEXT_TYPE, body: 'ignored' })
    expect([again.status, again.headers.get('location')]).toEqual([200, null])
    expect((await ask('GET', 'a/b')).text).toBe('one')
    expect((await ask('PUT', 'a/b', { headers: JSON_TYPE })).code).toBe('STREAM_EXISTS')
    const plain = await ask('PUT', 'c')
    expect(plain.headers.get('content-type')).toBe('application/octet-stream')
  })

  it('[HTTP10] refuses what can be no stream, and changes nothing', async () => {
    const refused = async (path: string, headers: Record<string, string>, body?: string) =>
      (await ask('PUT', path, { headers, ...(body === undefined ? {} : { body }) })).code
    expect(await refused('.hidden', {})).toBe('INVALID_INPUT')
    expect(await refused('s', { 'content-type': 'nonsense' })).toBe('UNSUPPORTED_MEDIA_TYPE')
    expect(await refused('s', JSON_TYPE, '{')).toBe('INVALID_INPUT')
    expect(await refused('s', { 'stream-ttl': '1.5' })).toBe('INVALID_INPUT')
    expect(await refused('s', { 'stream-fork-offset': '-1' })).toBe('INVALID_INPUT')
    expect((await ask('HEAD', 's')).status).toBe(404)
  })
})

describe('appending: POST', () => {
  it('[HTTP14] answers with the new tail, and the events are there as they were written', async () => {
    await ask('PUT', 's', { headers: JSON_TYPE })
    const one = await append('s', '{"a": 1.0 }')
    const more = await append('s', '[{"b":2}, "c"]')
    expect([one.status, one.text, more.status]).toEqual([204, '', 204])
    const all = await ask('GET', 's')
    expect(all.text).toBe('[{"a": 1.0 },{"b":2},"c"]')
    expect(all.headers.get('stream-next-offset')).toBe(more.headers.get('stream-next-offset'))
  })

  it('[HTTP29] stands in the log at debug where it went well, and at info where it did not', async () => {
    await ask('PUT', 's', { headers: JSON_TYPE })
    await append('s', '1')
    await append('none', '1')
    const answered = () =>
      live.lines
        .map((line) => JSON.parse(line))
        .filter(({ msg, method }) => msg === 'answered' && method === 'POST')
        .map(({ level, path, status }) => [level, path, status])
    await expect.poll(answered).toEqual([
      [20, '/v1/stream/s', 204],
      [30, '/v1/stream/none', 404],
    ])
  })

  it('[HTTP14] refuses for the first reason there is, in the order a writer can act on', async () => {
    const code = async (path: string, body: string, headers = {}) => (await append(path, body, headers)).code
    expect(await code('none', '{')).toBe('NOT_FOUND')
    await ask('PUT', 'ended', { headers: { ...TEXT_TYPE, 'stream-closed': 'true' } })
    expect(await code('ended', '{')).toBe('STREAM_SEALED')
    expect(await code('ended', '{}')).toBe('STREAM_SEALED')
    await ask('PUT', 'text', { headers: TEXT_TYPE })
    expect(await code('text', '{')).toBe('CONTENT_TYPE_MISMATCH')
    expect(await code('text', '{}')).toBe('CONTENT_TYPE_MISMATCH')
    await ask('PUT', 'json', { headers: JSON_TYPE })
    expect(await code('json', '{}', TEXT_TYPE)).toBe('CONTENT_TYPE_MISMATCH')
    expect(await code('json', '{')).toBe('INVALID_INPUT')
    expect(await code('json', '[]')).toBe('INVALID_INPUT')
    expect(await code('json', '')).toBe('INVALID_INPUT')
    expect((await ask('POST', 'json', { body: new TextEncoder().encode('{}') })).code).toBe('INVALID_INPUT')
    expect((await ask('GET', 'json')).text).toBe('[]')
  })

  it('[HTTP15] keeps the bytes of what is not JSON', async () => {
    const first = Uint8Array.from([0, 255, 128, 13, 10])
    await ask('PUT', 'bytes', { headers: { 'content-type': 'application/x-thing' }, body: first })
    const second = Uint8Array.from([10, 0, 1])
    await ask('POST', 'bytes', { headers: { 'content-type': 'APPLICATION/X-Thing; v=2' }, body: second })
    const all = await ask('GET', 'bytes')
    expect([...all.bytes]).toEqual([...first, ...second])
    expect(all.headers.get('content-type')).toBe('application/x-thing')
    const rest = await ask('GET', `bytes?offset=${(all.headers.get('stream-next-offset') ?? '').slice(0, -1)}1`)
    expect([...rest.bytes]).toEqual([...second])
  })

  it('[HTTP15] refuses a body that was coded for the way, which would be stored as it came', async () => {
    await ask('PUT', 'bytes')
    const coded = { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' }
    expect((await ask('POST', 'bytes', { headers: coded, body: 'x' })).code).toBe('UNSUPPORTED_MEDIA_TYPE')
    expect((await ask('PUT', 'other', { headers: coded, body: 'x' })).code).toBe('UNSUPPORTED_MEDIA_TYPE')
    expect(
      (await ask('POST', 'bytes', { headers: { ...coded, 'content-encoding': 'identity' }, body: 'x' })).status,
    ).toBe(204)
  })

  it('[HTTP12] ends a stream in any case of "true" and in no other way, with or without a last append', async () => {
    await ask('PUT', 's', { headers: JSON_TYPE })
    const open = await append('s', '1', { 'stream-closed': 'yes' })
    expect([open.status, open.headers.get('stream-closed')]).toEqual([204, null])
    const ended = await append('s', '2', { 'stream-closed': 'TRUE' })
    expect([ended.status, ended.headers.get('stream-closed')]).toEqual([204, 'true'])
    const late = await append('s', '3')
    expect([late.status, late.code, late.headers.get('stream-closed'), late.headers.get('stream-next-offset')]).toEqual(
      [409, 'STREAM_SEALED', 'true', ended.headers.get('stream-next-offset')],
    )
    const again = await ask('POST', 's', { headers: { 'stream-closed': 'true' } })
    expect([again.status, again.headers.get('stream-closed')]).toEqual([204, 'true'])
    expect((await ask('GET', 's')).text).toBe('[1,2]')
  })

  it('[HTTP11] takes what a producer repeats once, and says what a producer that is wrong needs to know', async () => {
    await ask('PUT', 's', { headers: JSON_TYPE })
    const as = (epoch: number, seq: number, body = `"${epoch}/${seq}"`) =>
      append('s', body, { 'producer-id': 'p', 'producer-epoch': String(epoch), 'producer-seq': String(seq) })
    const said = ({ status, code, headers }: Awaited<ReturnType<typeof as>>, ...names: string[]) => [
      status,
      code,
      ...names.map((name) => headers.get(name)),
    ]
    expect(said(await as(0, 0), 'producer-epoch', 'producer-seq')).toEqual([200, undefined, '0', '0'])
    expect(said(await as(0, 1), 'producer-seq')).toEqual([200, undefined, '1'])
    expect(said(await as(0, 0), 'producer-seq')).toEqual([204, undefined, '1'])
    expect(said(await as(0, 4), 'producer-expected-seq', 'producer-received-seq')).toEqual([
      409,
      'PRODUCER_GAP',
      '2',
      '4',
    ])
    expect(said(await as(1, 3))).toEqual([400, 'INVALID_INPUT'])
    expect(said(await as(1, 0))).toEqual([200, undefined])
    expect(said(await as(0, 2), 'producer-epoch')).toEqual([403, 'PRODUCER_FENCED', '1'])
    // What is refused for its body has not used its number up.
    expect(said(await as(1, 1, '{'))).toEqual([400, 'INVALID_INPUT'])
    expect(said(await as(1, 1))).toEqual([200, undefined])
    expect((await ask('GET', 's')).text).toBe('["0/0","0/1","1/0","1/1"]')
    const ordered = async (seq: string) => (await append('s', '0', { 'stream-seq': seq })).code
    expect([await ordered('b'), await ordered('a'), await ordered('b'), await ordered('ba')]).toEqual([
      undefined,
      'SEQUENCE_CONFLICT',
      'SEQUENCE_CONFLICT',
      undefined,
    ])
  })

  it('[HTTP21] a body that is too large, and an append of too many messages, changes nothing', async () => {
    await ask('PUT', 's', { headers: JSON_TYPE })
    const large = JSON.stringify('x'.repeat(10_000))
    expect((await append('s', large)).code).toBe('TOO_LARGE')
    expect((await ask('PUT', 'other', { headers: JSON_TYPE, body: large })).code).toBe('TOO_LARGE')
    expect((await append('s', JSON.stringify(Array(21).fill(1)))).code).toBe('TOO_LARGE')
    expect((await append('s', JSON.stringify(Array(20).fill(1)))).status).toBe(204)
    expect((await ask('GET', 's')).text).toBe(`[${Array(20).fill(1)}]`)
    expect((await ask('HEAD', 'other')).status).toBe(404)
  })

  it('[HTTP24] a defined stream takes its own events where it says so, completed and checked, and ends by them', async () => {
    await live.append('counters/c', '{"type":"added","timestamp":"2026-01-01T00:00:00.000Z","by":1}')
    await live.append('notes/n', '{"type":"noted","timestamp":"2026-01-01T00:00:00.000Z","text":"first"}')
    for (const [method, body] of [
      ['POST', '{}'],
      ['PUT', '[]'],
      ['DELETE', undefined],
    ] as const) {
      const refused = await ask(method, 'counters/c', { headers: JSON_TYPE, ...(body === undefined ? {} : { body }) })
      expect([method, refused.code]).toEqual([method, 'FORBIDDEN'])
    }
    for (const method of ['PUT', 'DELETE']) expect((await ask(method, 'notes/n')).code).toBe('FORBIDDEN')
    expect((await append('notes/n', '{"type":"noted","text":"second","other":1}')).status).toBe(204)
    const wrong = await append('notes/n', '[{"type":"noted","text":"third"},{"type":"noted","text":3}]')
    expect([wrong.code, JSON.parse(wrong.text).errors[0].field]).toEqual(['INVALID_INPUT', '[1].text'])
    const alone = await append('notes/n', '{"type":"noted","text":3}')
    expect([alone.code, JSON.parse(alone.text).errors[0].field]).toEqual(['INVALID_INPUT', 'text'])
    for (const body of ['1', 'null', '[[]]', '{"text":"x"}', '{"type":1}', '{"type":"unknown"}', '{"type":"noted"}']) {
      expect((await append('notes/n', body)).code, body).toBe('INVALID_INPUT')
    }
    const deep = `{"type":"tagged","any":${'['.repeat(4_900)}${']'.repeat(4_900)}}`
    expect([204, 400]).toContain((await append('notes/n', deep)).status)
    expect((await append('notes/n', 'x', TEXT_TYPE)).code).toBe('CONTENT_TYPE_MISMATCH')
    expect((await ask('POST', 'notes/n', { headers: { 'stream-closed': 'true' } })).code).toBe('FORBIDDEN')
    const ended = await append('notes/n', '{"type":"finished"}')
    expect([ended.status, ended.headers.get('stream-closed')]).toEqual([204, 'true'])
    const events: { type: string; timestamp: string; text?: string }[] = JSON.parse((await ask('GET', 'notes/n')).text)
    expect(events.filter(({ type }) => type !== 'tagged').map(({ type, text }) => [type, text])).toEqual([
      ['noted', 'first'],
      ['noted', 'second'],
      ['finished', undefined],
    ])
    expect(events.every(({ timestamp }) => /^\d{4}-.*Z$/.test(timestamp))).toBe(true)
  })
})
