import { ManualClock } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer } from '../fixtures/live-server.ts'
import { type Ask, streamClient } from '../fixtures/stream-client.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const CACHED = 'private, max-age=60, stale-while-revalidate=300'

let live: LiveServer
let ask: Ask
beforeEach(async () => {
  live = await startLiveServer({ longPollMs: 1_000 })
  ask = streamClient(live)
})
afterEach(() => live[Symbol.asyncDispose]())

const tailOf = async (name: string) => (await ask('HEAD', name)).headers.get('stream-next-offset') ?? ''
const at = (tail: string, seq: number) => `${tail.slice(0, 17)}${String(seq).padStart(16, '0')}`
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))

describe('catching up', () => {
  it('[HTTP17] a page has an ETag, and asked again with it the unchanged page is 304', async () => {
    await live.append('s', '1', '2')
    const first = await ask('GET', 's')
    const etag = first.headers.get('etag') ?? ''
    const same = await ask('GET', 's', { headers: { 'if-none-match': `"x", ${etag}` } })
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', etag])
    expect(same.headers.get('stream-next-offset')).toBe(first.headers.get('stream-next-offset'))
    // The end is a change, though no event came.
    await ask('POST', 's', { headers: { 'stream-closed': 'true' } })
    const ended = await ask('GET', 's', { headers: { 'if-none-match': etag } })
    expect([ended.status, ended.headers.get('stream-closed'), ended.text]).toEqual([200, 'true', '[1,2]'])
    expect((await ask('GET', 's?offset=now')).headers.get('etag')).toBe(null)
  })

  it('[HTTP17] a full page changes its ETag when it is no longer the last', async () => {
    await live.append('s', ...numbers(1000))
    const last = await ask('GET', 's')
    await live.append('s', '"more"')
    const full = await ask('GET', 's', { headers: { 'if-none-match': last.headers.get('etag') ?? '' } })
    expect([last, full].map(({ headers }) => headers.get('stream-up-to-date'))).toEqual(['true', null])
    expect([full.status, full.text]).toEqual([200, last.text])
  })

  it('[HTTP18] only a page that can never change may come from a cache, and then from a private one', async () => {
    await live.append('s', ...numbers(1500))
    const tail = await tailOf('s')
    const rule = async (path: string, method = 'GET', headers = {}) =>
      (await ask(method, path, { headers })).headers.get('cache-control')
    expect(await rule(`s?offset=${at(tail, 0)}`)).toBe(CACHED)
    // What the start is changes when the stream is deleted and made again, and when its start is trimmed.
    expect([await rule('s'), await rule('s?offset=-1')]).toEqual(Array(2).fill('private, no-cache'))
    // The open end grows.
    expect(await rule(`s?offset=${at(tail, 1000)}`)).toBe('private, no-cache')
    expect(await rule(`s?offset=${tail}`)).toBe('private, no-cache')
    const uncached = [`s?offset=now`, `s?offset=${tail}&live=long-poll`, `s?offset=${at(tail, 1499)}&live=long-poll`]
    for (const path of [...uncached, 'none', 's?offset=x']) expect(await rule(path), path).toBe('no-store')
    expect(await rule('s', 'HEAD')).toBe('no-store')
    expect((await ask('GET', 's')).headers.get('vary')).toBe('Accept, Authorization, Cookie, Origin')
    await ask('POST', 's', { headers: { 'stream-closed': 'true' } })
    expect(await rule(`s?offset=${at(tail, 1000)}`)).toBe(CACHED)
  })

  it('[HTTP21] a page holds about a megabyte, and at least one message', async () => {
    const large = JSON.stringify('x'.repeat(400_000))
    await live.append('s', large, large, large, JSON.stringify('y'.repeat(2_000_000)))
    const counts: number[] = []
    let offset = '-1'
    for (let pages = 0; pages < 5; pages += 1) {
      const page = await ask('GET', `s?offset=${offset}`)
      counts.push(JSON.parse(page.text).length)
      offset = page.headers.get('stream-next-offset') ?? ''
      if (page.headers.get('stream-up-to-date')) break
    }
    expect(counts).toEqual([2, 1, 1])
  })

  it('[HTTP16] HEAD says what the stream is; a deleted one is gone, and its offsets stay gone when it is made again', async () => {
    const until = '2126-01-01T00:00:00.000Z'
    await ask('PUT', 's', { headers: { ...JSON_TYPE, 'stream-expires-at': until }, body: '[1,2]' })
    await ask('PUT', 't', { headers: { 'stream-ttl': '60', 'stream-closed': 'true' } })
    const [s, t] = [await ask('HEAD', 's'), await ask('HEAD', 't')]
    const names = ['content-type', 'stream-expires-at', 'stream-ttl', 'stream-closed']
    expect(names.map((name) => s.headers.get(name))).toEqual(['application/json', until, null, null])
    expect(names.map((name) => t.headers.get(name))).toEqual(['application/octet-stream', null, '60', 'true'])
    const old = await tailOf('s')
    const reader = await live.events('/v1/stream/s')
    await expect.poll(() => reader.events).toEqual([1, 2])
    expect((await ask('DELETE', 's')).status).toBe(204)
    await expect.poll(() => reader.ended).toBe(true)
    expect([(await ask('GET', 's')).status, (await ask('DELETE', 's')).status]).toEqual([404, 404])
    await ask('PUT', 's', { headers: JSON_TYPE, body: '[3,4,5]' })
    for (const path of [`s?offset=${old}`, `s?offset=${old}&live=long-poll`, `s?offset=${old}&live=sse`]) {
      expect((await ask('GET', path)).code, path).toBe('OFFSET_GONE')
    }
    expect((await ask('GET', 's')).text).toBe('[3,4,5]')
  })

  it('[HTTP13] a stream lives on while it is used, by readers too, and is gone once it is not', async () => {
    await live[Symbol.asyncDispose]()
    const clock = new ManualClock()
    live = await startLiveServer({ clock })
    ask = streamClient(live)
    for (const name of ['read', 'followed', 'looked-at']) await ask('PUT', name, { headers: { 'stream-ttl': '10' } })
    await ask('PUT', 'until', { headers: { 'stream-expires-at': new Date(clock.now() + 15_000).toISOString() } })
    const reader = await live.events('/v1/stream/followed')
    await expect.poll(() => reader.controls.length).toBe(1)
    const heads = () =>
      Promise.all(['read', 'followed', 'looked-at', 'until'].map(async (name) => (await ask('HEAD', name)).status))
    // In steps, since the log looks after its streams once a second.
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        clock.advance(1_000)
        await heads()
      }
    }
    await pass(6)
    await ask('GET', 'read?offset=now')
    await ask('GET', 'until')
    expect(await heads()).toEqual([200, 200, 200, 200])
    // A quarter longer where other nodes may use it, unheard of as yet.
    await pass(7)
    expect(await heads()).toEqual([200, 200, 404, 200])
    await pass(6)
    expect(await heads()).toEqual([404, 200, 404, 404])
    reader.close()
  })

  it('[HTTP27] a fork goes on from another stream, whose later events it never sees', async () => {
    await ask('PUT', 'a', { headers: JSON_TYPE, body: '[1,2,3]' })
    const from = { 'stream-forked-from': '/v1/stream/a', 'stream-fork-offset': at(await tailOf('a'), 2) }
    expect((await ask('PUT', 'b', { headers: from })).headers.get('content-type')).toBe('application/json')
    await ask('POST', 'a', { headers: JSON_TYPE, body: '4' })
    await ask('POST', 'b', { headers: JSON_TYPE, body: '"own"' })
    expect([(await ask('GET', 'a')).text, (await ask('GET', 'b')).text]).toEqual(['[1,2,3,4]', '[1,2,"own"]'])
    const refused = async (headers: Record<string, string>) => (await ask('PUT', 'c', { headers })).code
    expect(await refused({ 'stream-forked-from': '/v1/stream/none' })).toBe('NOT_FOUND')
    expect(await refused({ 'stream-forked-from': '/etc/passwd' })).toBe('NOT_FOUND')
    expect(await refused({ 'stream-forked-from': '/v1/stream/%' })).toBe('INVALID_INPUT')
    expect((await ask('DELETE', 'a')).status).toBe(204)
    expect([(await ask('GET', 'a')).code, (await ask('GET', 'b')).text]).toEqual(['STREAM_GONE', '[1,2,"own"]'])
  })
})

describe('long-poll', () => {
  it('[HTTP20] answers at once what is there, and the moment something comes where nothing was', async () => {
    await live.append('s', '1')
    const there = await ask('GET', 's?offset=-1&live=long-poll')
    expect([there.status, there.text, there.headers.get('stream-up-to-date')]).toEqual([200, '[1]', 'true'])
    expect(there.headers.get('stream-cursor')).toMatch(/^\d+$/)
    const waiting = ask('GET', 's?offset=now&live=long-poll')
    await expect.poll(() => live.all.size.responses).toBe(1)
    await live.append('s', '2', '3')
    const woken = await waiting
    expect([woken.status, woken.text, woken.headers.get('stream-next-offset')]).toEqual([
      200,
      '[2,3]',
      await tailOf('s'),
    ])
    expect(live.all.size.responses).toBe(0)
  })

  it('[HTTP20] says where it stands when its time is up, and at once when the stream has ended', async () => {
    await live.append('s', '1')
    const tail = await tailOf('s')
    const late = await ask('GET', `s?offset=${tail}&live=long-poll`)
    expect([late.status, late.text, late.headers.get('stream-next-offset')]).toEqual([204, '', tail])
    expect([late.headers.get('stream-up-to-date'), late.headers.get('stream-closed')]).toEqual(['true', null])
    const cursor = Number(late.headers.get('stream-cursor'))
    const next = await ask('GET', `s?offset=${tail}&live=long-poll&cursor=${cursor}`)
    expect(Number(next.headers.get('stream-cursor'))).toBeGreaterThan(cursor)
    const waiting = ask('GET', `s?offset=${tail}&live=long-poll`)
    await expect.poll(() => live.all.size.responses).toBe(1)
    await ask('POST', 's', { headers: { 'stream-closed': 'true' } })
    for (const ended of [await waiting, await ask('GET', 's?offset=now&live=long-poll')]) {
      const said = ['stream-closed', 'stream-up-to-date', 'stream-next-offset', 'stream-cursor']
      expect([ended.status, ...said.map((name) => ended.headers.get(name))]).toEqual([204, 'true', 'true', tail, null])
    }
  })

  it('[HTTP20] wants an offset, and is refused like any reader', async () => {
    await live.append('s', '1')
    const code = async (path: string) => (await ask('GET', path)).code
    expect(await code('s?live=long-poll')).toBe('INVALID_INPUT')
    expect(await code('s?live=sse')).toBe('INVALID_INPUT')
    expect(await code('s?live=long-poll&offset=x')).toBe('INVALID_OFFSET')
    expect(await code('none?live=long-poll&offset=-1')).toBe('NOT_FOUND')
    expect(await code(`s?live=long-poll&offset=${at(await tailOf('s'), 2)}`)).toBe('OFFSET_GONE')
  })

  it('[HTTP20] a peer that leaves leaves nothing, and a server that closes answers those who wait', async () => {
    await live[Symbol.asyncDispose]()
    live = await startLiveServer({ longPollMs: 60_000 })
    ask = streamClient(live)
    await live.append('s', '1')
    const leaving = new AbortController()
    const left = ask('GET', 's?offset=now&live=long-poll', { signal: leaving.signal }).catch(() => 'left')
    await expect.poll(() => live.all.size.responses).toBe(1)
    leaving.abort()
    expect(await left).toBe('left')
    await expect.poll(() => live.all.size.responses).toBe(0)
    const tail = await tailOf('s')
    const waiting = ask('GET', 's?offset=now&live=long-poll')
    await expect.poll(() => live.all.size.responses).toBe(1)
    await live.all.close()
    const answer = await waiting
    expect([answer.status, answer.headers.get('stream-next-offset')]).toEqual([204, tail])
  })
})
