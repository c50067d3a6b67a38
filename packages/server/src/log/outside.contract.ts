import { formatOffset, parseOffset, systemClock } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Committed, Database } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'
import type { AppendOutcome, AppendRequest, StreamLog } from './stream-log.ts'

const withCode = (code: string) => expect.objectContaining({ code })
const TEXT = { contentType: 'text/plain' }
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Appends from outside: producers, order, endings (SPEC.md, rules LOG11 to LOG15). */
export function describeOutsideAppends(name: string, open: () => Promise<Database>): void {
  describe(`appends from outside on ${name}`, () => {
    let db: Database
    let log: StreamLog
    beforeEach(async () => {
      db = await open()
      await migrateUp(db, logMigrations, 0)
      log = new SqlStreamLog(db, systemClock)
      await log.ensure('s', {})
    })
    afterEach(() => db.close())

    const append = (request: Partial<AppendRequest>, stream = 's'): Promise<AppendOutcome> =>
      log.appendFrom(stream, { messages: ['1'], contentType: 'application/json', ...request })
    const by = (epoch: number, seq: number, id = 'p') => ({ producer: { id, epoch, seq } })
    const texts = async (stream = 's') => (await log.read(stream, null)).events
    const at = async (seq: number) => formatOffset({ incarnation: (await log.info('s'))?.incarnation ?? 0, seq })

    it('[LOG4] appends made without waiting for one another keep their order, also where a stream can expire', async () => {
      await log.ensure('brief', { ttl: 60 })
      const appends: Promise<AppendOutcome>[] = []
      for (let n = 0; n < 120; n += 1) {
        appends.push(append({ messages: [String(n)] }, n % 2 === 0 ? 's' : 'brief'))
        if (n % 30 === 0) await new Promise(setImmediate)
      }
      await Promise.all(appends)
      const numbers = (from: number) => Array.from({ length: 60 }, (_, n) => String(from + 2 * n))
      expect([await texts(), await texts('brief')]).toEqual([numbers(0), numbers(1)])
    })

    it('[LOG11] an append from outside is stored, answered with the new tail, and told', async () => {
      const heard: Committed[] = []
      db.onCommitted((committed) => heard.push(...committed))
      expect(await append({ messages: ['1', '{"a": 2}'] })).toEqual({
        type: 'appended',
        tail: await at(2),
        sealed: false,
      })
      expect(await texts()).toEqual(['1', '{"a": 2}'])
      expect(heard).toEqual([
        { stream: 's', after: await at(0), tail: await at(2), events: ['1', '{"a": 2}'], sealed: false },
      ])
    })

    it('[LOG11] it makes no stream, and needs something to append', async () => {
      await expect(append({}, 'nothing')).rejects.toThrow(withCode('NOT_FOUND'))
      for (const wrong of [
        { messages: [] },
        { contentType: undefined },
        by(0, 0, ''),
        by(0, 0, 'a\0b'),
        by(0, 0, 'a\ud800'),
      ] as object[]) {
        await expect(append(wrong)).rejects.toThrow(withCode('INVALID_INPUT'))
      }
      expect([await log.info('nothing'), await texts()]).toEqual([null, []])
    })

    it('[LOG11] the media type must be that of the stream, whatever its parameters', async () => {
      await log.ensure('t', { contentType: 'text/plain; charset=utf-8' })
      expect(await append({ contentType: 'Text/PLAIN' }, 't')).toMatchObject({ type: 'appended' })
      expect(await append(TEXT)).toEqual({ type: 'content_type_mismatch', contentType: 'application/json' })
      expect(await texts()).toEqual([])
    })

    it('[LOG12] what a producer repeats is recognised, and what it skipped is asked for', async () => {
      expect(await append(by(0, 1))).toEqual({ type: 'producer_gap', expected: 0, received: 1 })
      expect(await append(by(0, 0))).toMatchObject({ type: 'appended' })
      expect(await append(by(0, 1))).toMatchObject({ type: 'appended' })
      expect(await append(by(0, 0))).toEqual({ type: 'duplicate', tail: await at(2), sealed: false, seq: 1 })
      expect(await append(by(0, 3))).toEqual({ type: 'producer_gap', expected: 2, received: 3 })
      expect(await append(by(0, 0, 'q'))).toMatchObject({ type: 'appended' })
      expect(await texts()).toHaveLength(3)
    })

    it('[LOG12] a newer epoch begins at 0 and shuts the older one out', async () => {
      await append(by(1, 0))
      expect(await append(by(2, 1))).toEqual({ type: 'producer_epoch_start' })
      expect(await append(by(2, 0))).toMatchObject({ type: 'appended' })
      expect(await append(by(1, 1))).toEqual({ type: 'producer_fenced', epoch: 2 })
      expect(await append(by(1, 0))).toEqual({ type: 'producer_fenced', epoch: 2 })
      expect(await texts()).toHaveLength(2)
    })

    it('[LOG12] of appends that repeat each other at once, one is stored', async () => {
      const outcomes = await Promise.all(Array.from({ length: 12 }, () => append(by(0, 0))))
      expect(outcomes.map(({ type }) => type).sort()).toEqual(['appended', ...Array(11).fill('duplicate')])
      expect(await texts()).toEqual(['1'])
    })

    it('[LOG12] what a producer sends without waiting for answers is judged in the order it was sent', async () => {
      await log.ensure('t', { ttl: 60 })
      for (const stream of ['s', 't', 't']) {
        const epoch = stream === 's' ? 0 : (await texts('t')).length
        const sent = Array.from({ length: 20 }, (_, seq) => append({ ...by(epoch, seq), messages: [`${seq}`] }, stream))
        expect((await Promise.all(sent)).map(({ type }) => type)).toEqual(Array(20).fill('appended'))
        expect((await texts(stream)).slice(-20)).toEqual(Array.from({ length: 20 }, (_, seq) => `${seq}`))
      }
    })

    it('[LOG12] a refused append changes nothing, the producer included', async () => {
      await append({ streamSeq: 'b' })
      expect(await append({ ...by(0, 0), streamSeq: 'a' })).toEqual({ type: 'sequence_conflict', last: 'b' })
      expect(await append({ ...by(0, 0), ...TEXT })).toMatchObject({ type: 'content_type_mismatch' })
      expect(await append(by(0, 1))).toEqual({ type: 'producer_gap', expected: 0, received: 1 })
      expect(await append({ ...by(0, 0), streamSeq: 'c' })).toMatchObject({ type: 'appended' })
    })

    it('[LOG13] Stream-Seq grows byte by byte, for the whole stream', async () => {
      // 'ä' and the emoji are in another order in UTF-16 and in most locales.
      for (const streamSeq of ['10', '9', 'Z', 'a', 'ä', '\uffee', '😀']) {
        expect(await append({ streamSeq }), streamSeq).toMatchObject({ type: 'appended' })
        expect(await append({ streamSeq }), streamSeq).toEqual({ type: 'sequence_conflict', last: streamSeq })
      }
      expect(await append({ streamSeq: '\uffee' })).toEqual({ type: 'sequence_conflict', last: '😀' })
      expect(await append({})).toMatchObject({ type: 'appended' })
    })

    it('[LOG13] what a producer repeats is a duplicate also where its Stream-Seq is no longer the last', async () => {
      await append({ ...by(0, 0), streamSeq: 'a' })
      expect(await append({ ...by(0, 0), streamSeq: 'a' })).toMatchObject({ type: 'duplicate' })
    })

    it('[LOG14] a stream is sealed with its last event, or alone, once', async () => {
      expect(await append({ seal: true })).toEqual({ type: 'appended', tail: await at(1), sealed: true })
      expect(await append({})).toEqual({ type: 'sealed', tail: await at(1) })
      expect(await append({ seal: true, ...TEXT })).toEqual({ type: 'sealed', tail: await at(1) })
      expect(await append({ messages: [], seal: true })).toEqual({ type: 'duplicate', tail: await at(1), sealed: true })
      await log.ensure('t', {})
      const heard: Committed[] = []
      db.onCommitted((committed) => heard.push(...committed))
      expect(await append({ messages: [], seal: true }, 't')).toMatchObject({ type: 'appended', sealed: true })
      expect(heard).toMatchObject([{ stream: 't', events: [], sealed: true }])
      expect(heard[0]?.after).toBe(heard[0]?.tail)
    })

    it('[LOG14] whoever sealed a stream is answered the same again, and a fenced producer learns that first', async () => {
      await append(by(0, 0))
      await append({ ...by(1, 0), seal: true })
      expect(await append({ ...by(1, 0), seal: true })).toEqual({
        type: 'duplicate',
        tail: await at(2),
        sealed: true,
        seq: 0,
      })
      expect(await append(by(0, 1))).toEqual({ type: 'producer_fenced', epoch: 1 })
      expect(await append(by(1, 1))).toEqual({ type: 'sealed', tail: await at(2) })
    })

    it('[LOG15] a stream is made once, and again only as it is', async () => {
      const made = await log.ensure('t', { ...TEXT, messages: [base64('a'), base64('b')] })
      expect(made).toMatchObject({ created: true, info: { contentType: 'text/plain', ttl: null, expiresAt: null } })
      expect(parseOffset(made.info.tail)?.seq).toBe(2)
      expect(await log.ensure('t', { contentType: 'TEXT/plain;x=1' })).toEqual({ created: false, info: made.info })
      for (const other of [{}, { ...TEXT, ttl: 5 }, { ...TEXT, expiresAt: 9e12 }, { ...TEXT, sealed: true }]) {
        await expect(log.ensure('t', other)).rejects.toThrow(withCode('STREAM_EXISTS'))
      }
      await append({ messages: [], seal: true }, 't')
      await expect(log.ensure('t', TEXT)).rejects.toThrow(withCode('STREAM_EXISTS'))
      expect(await log.ensure('t', { ...TEXT, sealed: true })).toMatchObject({ created: false })
    })

    it('[LOG15] made by many at once, it is made by one', async () => {
      const all = await Promise.all(Array.from({ length: 8 }, () => log.ensure('t', { messages: ['1'] })))
      expect(all.filter(({ created }) => created)).toHaveLength(1)
      expect(await texts('t')).toEqual(['1'])
    })
  })
}
