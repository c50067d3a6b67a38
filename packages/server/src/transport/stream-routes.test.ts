import { formatOffset, parseOffset } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { counter, type LiveServer, startLiveServer } from './fixtures/live-server.ts'

let live: LiveServer
beforeEach(async () => {
  live = await startLiveServer()
})
afterEach(() => live[Symbol.asyncDispose]())

const tailOf = async (stream: string) => (await live.server.services.log.info(stream))?.tail ?? ''

describe('GET /v1/stream/<name>', () => {
  it('[HTTP1] answers the events as they were written, as one JSON array, and says where it stands', async () => {
    await live.append('plain/a', '{"a": 1 }', '"\\u0000 ä 😀"', '9007199254740993')
    const { status, headers, text } = await live.request('/v1/stream/plain/a')
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    expect(text).toBe('[{"a": 1 },"\\u0000 ä 😀",9007199254740993]')
    expect(headers['stream-next-offset']).toBe(await tailOf('plain/a'))
    expect([headers['stream-up-to-date'], headers['stream-closed']]).toEqual(['true', undefined])
  })

  it('[HTTP2] a long stream comes in pages that join without gap or double', async () => {
    const all = Array.from({ length: 2203 }, (_, index) => index)
    await live.append('long', ...all.map(String))
    const got: number[] = []
    let [offset, isUpToDate, pages] = ['-1', false, 0]
    while (!isUpToDate && pages < 10) {
      const answer = await live.request(`/v1/stream/long?offset=${offset}`)
      got.push(...answer.json<number[]>())
      offset = String(answer.headers['stream-next-offset'])
      isUpToDate = answer.headers['stream-up-to-date'] === 'true'
      pages += 1
    }
    expect(got).toEqual(all)
    expect(pages).toBe(3)
    const rest = await live.request(`/v1/stream/long?offset=${offset}`)
    expect([rest.text, rest.headers['stream-next-offset']]).toEqual(['[]', offset])
  })

  it('[HTTP3] reads from every offset, from the start and from now', async () => {
    await live.append('s', '1', '2', '3')
    const tail = await tailOf('s')
    const { incarnation } = parseOffset(tail) ?? { incarnation: 0 }
    const at = async (offset: string) => (await live.request(`/v1/stream/s?offset=${offset}`)).text
    expect(await Promise.all([0, 1, 2, 3].map((seq) => at(formatOffset({ incarnation, seq }))))).toEqual([
      '[1,2,3]',
      '[2,3]',
      '[3]',
      '[]',
    ])
    expect([await at('-1'), await at('now')]).toEqual(['[1,2,3]', '[]'])
    expect((await live.request('/v1/stream/s?offset=now')).headers['stream-next-offset']).toBe(tail)
  })

  it('[HTTP4] refuses an offset that is none, comes twice, is of another stream or beyond the tail', async () => {
    await live.append('s', '1')
    await live.append('other', '1')
    const tail = await tailOf('s')
    const { incarnation } = parseOffset(tail) ?? { incarnation: 0 }
    const refusal = async (query: string) => {
      const answer = await live.request(`/v1/stream/s?${query}`)
      return [answer.status, answer.json().code]
    }
    expect(await refusal('offset=12')).toEqual([400, 'INVALID_OFFSET'])
    expect(await refusal('offset=')).toEqual([400, 'INVALID_OFFSET'])
    expect(await refusal(`offset=${tail}&offset=${tail}`)).toEqual([400, 'INVALID_OFFSET'])
    expect(await refusal(`offset=${await tailOf('other')}`)).toEqual([410, 'OFFSET_GONE'])
    expect(await refusal(`offset=${formatOffset({ incarnation, seq: 2 })}`)).toEqual([410, 'OFFSET_GONE'])
  })

  it('[HTTP5] refuses a stream that is not there and a name that can be none', async () => {
    const refusal = async (name: string) => {
      const answer = await live.request(`/v1/stream/${name}`)
      return [answer.status, answer.json().code]
    }
    expect(await refusal('nothing/here')).toEqual([404, 'NOT_FOUND'])
    for (const name of ['..%2f..%2fetc', 'a//b', '.hidden', 'a%00b', '%20', 'x'.repeat(513), '']) {
      expect(await refusal(name), name).toEqual([400, 'INVALID_INPUT'])
    }
  })

  it('[HTTP6] the end of a sealed stream is said on its last page and nowhere before', async () => {
    await live.append('s', ...Array.from({ length: 1600 }, (_, index) => String(index)))
    await live.seal('s', '"end"')
    const first = await live.request('/v1/stream/s')
    const last = await live.request(`/v1/stream/s?offset=${first.headers['stream-next-offset']}`)
    const after = await live.request('/v1/stream/s?offset=now')
    expect([first, last, after].map(({ headers }) => headers['stream-closed'])).toEqual([undefined, 'true', 'true'])
    expect(last.text.endsWith('"end"]')).toBe(true)
  })

  it('[HTTP7] view=state answers the folded state with the offset reading goes on from', async () => {
    const { db, log } = live.server.services
    const add = (by: number) => db.commit([log.appendEvents(counter, { id: 'c' }, [{ type: 'added', by }])])
    await add(2)
    await add(3)
    const { text, headers } = await live.request('/v1/stream/counters/c?view=state')
    const state = JSON.parse(text)
    expect(state).toEqual({ state: { sum: 5 }, offset: await tailOf('counters/c'), version: 3, sealed: false })
    expect(headers['cache-control']).toBe('no-store')
    await add(4)
    const tail = (await live.request(`/v1/stream/counters/c?offset=${state.offset}`)).json<unknown[]>()
    expect(tail).toEqual([{ type: 'added', timestamp: expect.any(String), by: 4 }])
    await db.commit([log.appendEvents(counter, { id: 'c' }, [{ type: 'closed' }])])
    expect((await live.request('/v1/stream/counters/c?view=state')).json<object>()).toMatchObject({ sealed: true })
  })

  it('[HTTP8] a stream without a fold has no state, and unknown wishes are refused', async () => {
    await live.append('plain', '1')
    const refusal = async (path: string) => {
      const answer = await live.request(`/v1/stream/${path}`)
      return [answer.status, answer.json().code]
    }
    expect(await refusal('plain?view=state')).toEqual([404, 'NO_FOLD'])
    expect(await refusal('counters/none?view=state')).toEqual([404, 'NOT_FOUND'])
    expect(await refusal('plain?view=table')).toEqual([400, 'INVALID_INPUT'])
    expect(await refusal('plain?live=carrier-pigeon')).toEqual([400, 'INVALID_INPUT'])
  })
})
