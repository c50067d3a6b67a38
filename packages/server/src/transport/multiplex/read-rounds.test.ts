import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer } from '../fixtures/live-server.ts'
import { type AskOptions, type ReadAnswer, RoundReader, readRound } from '../fixtures/many-reader.ts'
import type { SubscribeFrame } from './subscriptions.ts'

let live: LiveServer
afterEach(() => live[Symbol.asyncDispose]())

const start = async (options?: Parameters<typeof startLiveServer>[0]) => {
  live = await startLiveServer(options)
  return live
}
const ask = (subscriptions: SubscribeFrame[], query = '', options: AskOptions = {}) =>
  readRound(live.port, subscriptions, { query, ...options })
const types = ({ frames }: ReadAnswer, stream: string) =>
  frames.flatMap((frame) => ('stream' in frame && frame.stream === stream ? [frame.type] : []))
const tail = async (stream: string) => (await live.server.services.log.info(stream))?.tail ?? ''
/** Asks with `wait`, and goes on once it is known that there is nothing to read and the answer waits. */
async function askAndWait(subscriptions: SubscribeFrame[], query = '?wait=30') {
  const { frames } = await ask(subscriptions)
  expect(new Set(frames.map(({ type }) => type))).toEqual(new Set(['subscribed', 'up_to_date']))
  await expect.poll(() => live.all.buffered.responses).toBe(0)
  const answer = ask(subscriptions, query)
  const held = frames.reduce((sum, frame) => sum + JSON.stringify(frame).length + 1, 0)
  await expect.poll(() => live.all.buffered.responses).toBe(held)
  return { answer }
}

describe('a round of many streams', () => {
  it('[READ2] holds what there is of each, what is wrong with it, and whether that was all', async () => {
    await start()
    await live.append('a', '1', '2')
    await live.seal('b', '3')
    const answer = await ask([{ stream: 'a' }, { stream: 'b' }, { stream: 'none' }, { stream: 'a/', from: 'now' }])
    expect([answer.status, answer.headers['cache-control'], answer.headers['content-type']]).toEqual([
      200,
      'no-store',
      'application/json; charset=utf-8',
    ])
    expect(['a', 'b', 'none', 'a/'].map((stream) => types(answer, stream))).toEqual([
      ['subscribed', 'events', 'up_to_date'],
      ['subscribed', 'events', 'sealed'],
      ['error'],
      ['error'],
    ])
    const again = await ask([{ stream: 'a', from: await tail('a') }])
    expect(types(again, 'a')).toEqual(['subscribed', 'up_to_date'])
    const atEnd = await ask([{ stream: 'b', from: await tail('b') }], '?wait=30')
    expect(types(atEnd, 'b')).toEqual(['subscribed', 'sealed'])
    await expect.poll(() => live.all.size.responses).toBe(0)
  })

  it('[READ4] is bounded; what was left out comes with the next, and no stream keeps another from its turn', async () => {
    await start({ limits: { sendBufferBytes: 65_536 } })
    const { db, log } = live.server.services
    const text = JSON.stringify('x'.repeat(8_000))
    const busy = Array.from({ length: 12 }, (_, index) => `busy/${index}`)
    for (const name of busy) await db.commit([log.append(name, Array(20).fill(text))])
    await live.append('quiet', '1')
    const names = [...busy, 'quiet']
    const reader = new RoundReader(
      live.port,
      names.map((stream) => ({ stream })),
    )
    let [most, before, quietAt] = [0, 0, 0]
    await reader.askUntil(() => {
      const bytes = JSON.stringify(reader.frames.slice(before)).length
      before = reader.frames.length
      most = Math.max(most, bytes)
      if (quietAt === 0 && reader.events('quiet').length === 1) quietAt = reader.rounds
      return names.every((name) => reader.events(name).length === (name === 'quiet' ? 1 : 20))
    })
    expect(most).toBeGreaterThan(65_536)
    expect(most).toBeLessThan(65_536 + 2 * 16_384)
    // All of it would take thirty; by chance, of which this much is one in many thousands.
    expect(reader.rounds).toBeGreaterThan(20)
    expect(quietAt).toBeLessThan(25)
    expect(reader.gaps).toBe(0)
    const last = await ask(names.map((stream) => ({ stream, from: reader.positions.get(stream) ?? '' })))
    expect(last.frames.filter(({ type }) => type === 'up_to_date').length).toBe(13)
  })

  it('[READ5] with wait it answers once there is news of any stream, and with all that came in that turn', async () => {
    await start()
    await live.append('a', '1')
    await live.append('b', '1')
    const from = { a: await tail('a'), b: await tail('b') }
    const wanted = [
      { stream: 'a', from: from.a },
      { stream: 'b', from: from.b },
    ]
    const asked = await askAndWait(wanted)
    const { db, log } = live.server.services
    await db.commit([log.append('a', ['2']), log.append('b', ['2'])])
    const answer = await asked.answer
    // Whether another node tells of both in one turn is its own affair.
    expect([types(answer, 'a'), types(answer, 'b')]).toContainEqual(['subscribed', 'up_to_date', 'events'])
    if (live.servers.length === 1) expect(types(answer, 'a')).toEqual(types(answer, 'b'))
    // What is there already is not waited for.
    expect(types(await ask(wanted, '?wait=30'), 'b')).toEqual(['subscribed', 'events', 'up_to_date'])
    const ends = await askAndWait([{ stream: 'a', from: await tail('a') }])
    await live.seal('a', '3')
    expect(types(await ends.answer, 'a')).toEqual(['subscribed', 'up_to_date', 'events', 'sealed'])
    const removed = await askAndWait([{ stream: 'b', from: await tail('b') }])
    await log.remove('b')
    expect(types(await removed.answer, 'b')).toEqual(['subscribed', 'up_to_date', 'error'])
  })

  it('[READ5] without news it answers when its time is up, with where each stands', async () => {
    const clock = new ManualClock()
    await start({ clock })
    await live.append('a', '1')
    const from = await tail('a')
    let isAnswered = false
    const asked = await askAndWait([{ stream: 'a', from }], '?wait=2.5')
    void asked.answer.finally(() => {
      isAnswered = true
    })
    clock.advance(2_499)
    await expect(ask([{ stream: 'a', from }])).resolves.toMatchObject({ status: 200 })
    expect(isAnswered).toBe(false)
    clock.advance(1)
    const { frames } = await asked.answer
    expect(frames).toEqual([
      { type: 'subscribed', stream: 'a', offset: from, contentType: 'application/json', sealed: false },
      { type: 'up_to_date', stream: 'a', after: from, offset: from },
    ])
  })

  it('[READ5] who does not know where they stand, or asks for what is over, is answered at once', async () => {
    await start({ clock: new ManualClock() })
    await live.append('counters/c', '{"type":"added","timestamp":"2026-01-01T00:00:00.000Z","by":3}')
    await live.seal('over', '1')
    const known = { stream: 'counters/c', from: await tail('counters/c') }
    for (const from of [undefined, '-1', 'now', 'state']) {
      const other = { stream: 'over', from: await tail('over') }
      const answer = await ask([{ ...known, ...(from ? { from } : {}) }, other], '?wait=30')
      if (from === undefined) expect(types(answer, 'counters/c')).toContain('up_to_date')
      else expect(types(answer, 'counters/c').slice(0, 1)).toEqual(['subscribed'])
      expect(types(answer, 'over')).toEqual(['subscribed', 'sealed'])
    }
    const { frames } = await ask([{ stream: 'counters/c', from: 'state' }], '?wait=30')
    expect(frames[0]).toMatchObject({ type: 'subscribed', offset: known.from, state: { sum: 3 }, version: 3 })
    const refused = await ask([{ stream: 'none', from: known.from }], '?wait=30')
    expect(types(refused, 'none')).toEqual(['error'])
  })

  it('[READ12] a server that drains answers at once, and says when to come back', async () => {
    await start()
    await live.append('a', '1')
    const asked = await askAndWait([{ stream: 'a', from: await tail('a') }])
    const closed = live.all.close()
    const answer = await asked.answer
    expect(answer.frames.map(({ type }) => type)).toEqual(['subscribed', 'up_to_date', 'drain'])
    await closed
  })
})
