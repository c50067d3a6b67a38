import { formatOffset, parseOffset, systemClock } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Committed, Database } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'
import type { StreamConfig, StreamLog } from './stream-log.ts'

const withCode = (code: string) => expect.objectContaining({ code })
const TEXT = { contentType: 'text/plain' }
const base64 = (text: string) => Buffer.from(text).toString('base64')
const ZERO = '0000000000000000_0000000000000000'

/** Forks and deletion (SPEC.md, rules LOG16 to LOG19). */
export function describeForks(name: string, open: () => Promise<Database>): void {
  describe(`forks on ${name}`, () => {
    let db: Database
    let log: StreamLog
    beforeEach(async () => {
      db = await open()
      await migrateUp(db, logMigrations, 0)
      log = new SqlStreamLog(db, systemClock)
      await log.ensure('s', { messages: ['1', '2', '3'] })
    })
    afterEach(() => db.close())

    const append = (stream: string, ...messages: string[]) =>
      log.appendFrom(stream, { messages, contentType: 'application/json' })
    const fork = (of: StreamConfig['fork'], rest: StreamConfig = {}, stream = 'f') =>
      log.ensure(stream, { ...rest, fork: of as NonNullable<StreamConfig['fork']> })
    const texts = async (stream = 'f') => (await log.read(stream, null)).events
    const words = async (stream = 'f') =>
      (await texts(stream)).map((text) => Buffer.from(text, 'base64').toString()).join('')
    const incarnation = async (stream: string) => (await log.info(stream))?.incarnation ?? 0
    const at = async (stream: string, seq: number) => formatOffset({ incarnation: await incarnation(stream), seq })
    const seq = (offset: string | undefined) => parseOffset(offset ?? '')?.seq

    it('[LOG16] a fork has the history of its source up to its place, and its own from there', async () => {
      const { info } = await fork({ source: 's', offset: await at('s', 2) }, { messages: ['x'] })
      await append('s', '4')
      await append('f', 'y')
      expect([await texts('s'), await texts('f')]).toEqual([
        ['1', '2', '3', '4'],
        ['1', '2', 'x', 'y'],
      ])
      expect([seq(info.tail), info.incarnation !== (await incarnation('s'))]).toEqual([3, true])
      await fork({ source: 'f', offset: await at('f', 1) }, {}, 'g')
      await append('g', 'z')
      await fork({ source: 'g' }, { messages: ['end'] }, 'h')
      expect([await texts('g'), await texts('h')]).toEqual([
        ['1', 'z'],
        ['1', 'z', 'end'],
      ])
    })

    it('[LOG16] it is read page by page across its places, by its own offsets and those of its sources', async () => {
      await fork({ source: 's', offset: await at('s', 2) }, { messages: ['x', 'y'] })
      await fork({ source: 'f', offset: await at('f', 3) }, { messages: ['z'] }, 'g')
      const seen: string[] = []
      for (let after: string | null = null; ; ) {
        const page = await log.read('g', after, { maxEvents: 1 })
        expect(parseOffset(page.offset)?.incarnation).toBe(await incarnation('g'))
        seen.push(...page.events)
        if (page.upToDate) break
        after = page.offset
      }
      expect(seen).toEqual(['1', '2', 'x', 'z'])
      expect((await log.read('g', await at('s', 1))).events).toEqual(['2', 'x', 'z'])
      expect((await log.read('g', await at('f', 3))).events).toEqual(['z'])
      // What the sources went on with is another history.
      for (const place of [await at('s', 3), await at('f', 4), await at('g', 5)]) {
        await expect(log.read('g', place)).rejects.toThrow(withCode('OFFSET_GONE'))
      }
      await expect(log.read('s', await at('g', 1))).rejects.toThrow(withCode('OFFSET_GONE'))
    })

    it('[LOG16] a sub-offset counts messages of JSON, and bytes of anything else', async () => {
      await fork({ source: 's', offset: ZERO, subOffset: 2 })
      expect(await texts()).toEqual(['1', '2'])
      await log.ensure('t', { ...TEXT, messages: [base64('first'), base64('second')] })
      await fork({ source: 't', offset: await at('t', 1), subOffset: 3 }, { messages: [base64('XY')] }, 'cut')
      await fork({ source: 't', offset: ZERO, subOffset: 5 }, {}, 'whole')
      await fork({ source: 'cut', offset: await at('cut', 1), subOffset: 2 }, {}, 'again')
      expect([await words('cut'), await words('whole'), await words('again')]).toEqual([
        'firstsecXY',
        'first',
        'firstse',
      ])
      expect(seq((await log.info('cut'))?.tail)).toBe(3)
    })

    it('[LOG16] a place the source does not have is refused', async () => {
      await log.ensure('t', { ...TEXT, messages: [base64('hi')] })
      const wrong: StreamConfig['fork'][] = [
        { source: 's', offset: await at('s', 4) },
        { source: 's', offset: await at('t', 1) },
        { source: 's', offset: 'x' },
        { source: 's', offset: ZERO, subOffset: 4 },
        { source: 's', subOffset: 1 },
        { source: 's', offset: ZERO, subOffset: -1 },
        { source: 't', offset: ZERO, subOffset: 3 },
        { source: 't', offset: await at('t', 1), subOffset: 1 },
      ]
      for (const place of wrong) {
        await expect(fork(place), JSON.stringify(place)).rejects.toThrow(withCode('INVALID_INPUT'))
      }
      await expect(fork({ source: 'nothing' })).rejects.toThrow(withCode('NOT_FOUND'))
      await expect(fork({ source: 's' }, TEXT)).rejects.toThrow(withCode('CONTENT_TYPE_MISMATCH'))
      expect(await log.info('f')).toBeNull()
    })

    it('[LOG16] made again it is the same only with the same source and place', async () => {
      const place = { source: 's', offset: await at('s', 1), subOffset: 1 }
      const { info } = await fork(place)
      await append('s', '4')
      expect(await fork(place)).toEqual({ created: false, info })
      for (const other of [
        { source: 's', offset: await at('s', 2) },
        { ...place, subOffset: 2 },
        { source: 'f' },
        undefined,
      ]) {
        await expect(fork(other), JSON.stringify(other)).rejects.toThrow(withCode('STREAM_EXISTS'))
      }
      await fork({ source: 's' }, {}, 'g')
      await append('s', '5')
      expect(await fork({ source: 's' }, {}, 'g')).toMatchObject({ created: false })
      expect(await fork({ source: 's', offset: await at('s', 4) }, {}, 'g')).toMatchObject({ created: false })
    })

    it('[LOG16] it takes over no producer, no Stream-Seq and no end', async () => {
      const request = { contentType: 'application/json', producer: { id: 'p', epoch: 3, seq: 0 }, streamSeq: 'm' }
      await log.appendFrom('s', { ...request, messages: ['4'], seal: true })
      await fork({ source: 's' })
      expect(await log.info('f')).toMatchObject({ sealed: false })
      const again = { ...request, messages: ['x'], producer: { id: 'p', epoch: 0, seq: 0 }, streamSeq: 'a' }
      expect(await log.appendFrom('f', again)).toMatchObject({ type: 'appended' })
      expect(await texts()).toEqual(['1', '2', '3', '4', 'x'])
    })

    it('[LOG18] a deleted stream is gone, its readers are told, and its name begins anew', async () => {
      const heard: Committed[] = []
      db.onCommitted((committed) => heard.push(...committed))
      const old = await at('s', 1)
      await log.remove('s')
      expect(heard).toMatchObject([{ stream: 's', removed: true, events: [] }])
      await expect(log.read('s', null)).rejects.toThrow(withCode('NOT_FOUND'))
      await expect(append('s', '9')).rejects.toThrow(withCode('NOT_FOUND'))
      await expect(log.remove('s')).rejects.toThrow(withCode('NOT_FOUND'))
      expect([await log.info('s'), await log.findByOffset(old)]).toEqual([null, null])
      expect(await log.ensure('s', { messages: ['new'] })).toMatchObject({ created: true })
      expect(await texts('s')).toEqual(['new'])
      await expect(log.read('s', old)).rejects.toThrow(withCode('OFFSET_GONE'))
    })

    it('[LOG19] under its forks a deleted stream goes on being read through them, and holds its name', async () => {
      await fork({ source: 's', offset: await at('s', 2) })
      await fork({ source: 'f' }, { messages: ['x'] }, 'g')
      await log.remove('s')
      await log.remove('f')
      for (const ask of [
        () => log.info('s'),
        () => log.read('f', null),
        () => append('s', '4'),
        () => log.remove('s'),
      ]) {
        await expect(ask()).rejects.toThrow(withCode('STREAM_GONE'))
      }
      await expect(log.ensure('s', {})).rejects.toThrow(withCode('STREAM_EXISTS'))
      await expect(fork({ source: 's' }, {}, 'other')).rejects.toThrow(withCode('STREAM_EXISTS'))
      expect(await texts('g')).toEqual(['1', '2', 'x'])
      await log.remove('g')
      expect([await log.info('s'), await log.info('f'), await log.info('g')]).toEqual([null, null, null])
      expect(await log.ensure('s', {})).toMatchObject({ created: true })
    })

    it('[LOG19] a source that others still use outlives the deletion of a fork', async () => {
      await fork({ source: 's' }, {}, 'f')
      await fork({ source: 's' }, {}, 'g')
      await log.remove('f')
      expect(await log.info('s')).not.toBeNull()
      await log.remove('s')
      expect(await texts('g')).toEqual(['1', '2', '3'])
    })

    it('[LOG19] a fork made while its source is deleted either stands or is refused', async () => {
      for (let round = 0; round < 10; round += 1) {
        await log.ensure('src', { messages: ['1'] })
        const [made] = await Promise.allSettled([fork({ source: 'src' }, {}, 'made'), log.remove('src')])
        if (made.status === 'fulfilled') {
          expect(await texts('made')).toEqual(['1'])
          await expect(log.info('src')).rejects.toThrow(withCode('STREAM_GONE'))
          await log.remove('made')
        }
        expect(await log.info('src')).toBeNull()
      }
    })
  })
}
