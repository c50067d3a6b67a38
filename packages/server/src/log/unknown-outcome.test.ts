import { HoldfastError, systemClock } from '@holdfast/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'

const contentType = 'application/json'
const producer = { id: 'p', epoch: 0, seq: 0 }

/** What becomes of the next commits; those after them go well. */
let fates: ('done, and lost' | 'lost' | 'away')[]
/** What others do between a commit whose answer is lost and its repetition. */
let meanwhile: () => Promise<unknown>
let log: SqlStreamLog
beforeEach(async () => {
  const db = openMemoryDatabase()
  await migrateUp(db, logMigrations, 0)
  fates = []
  meanwhile = async () => {}
  const losing: Database = {
    dialect: db.dialect,
    async commit(writes) {
      const fate = fates.shift()
      if (fate === undefined) return db.commit(writes)
      if (fate === 'away') throw new HoldfastError('UNAVAILABLE')
      if (fate === 'done, and lost') await db.commit(writes)
      await meanwhile()
      throw new HoldfastError('OUTCOME_UNKNOWN')
    },
    read: (asked) => db.read(asked),
    onCommitted: (listener) => db.onCommitted(listener),
    close: () => db.close(),
  }
  log = new SqlStreamLog(losing, systemClock)
  await log.ensure('s', {})
})

const append = (request = {}, stream = 's') => log.appendFrom(stream, { messages: ['1'], contentType, ...request })
const events = async () => (await log.read('s', null)).events

describe('an append whose outcome is unknown', () => {
  it('[LOG12] is made again for a producer, and answered as a repetition where it had been made', async () => {
    fates = ['done, and lost']
    expect((await append({ producer })).type).toBe('duplicate')
    fates = ['lost']
    expect((await append({ producer: { ...producer, seq: 1 } })).type).toBe('appended')
    expect(await events()).toEqual(['1', '1'])
  })

  it('[DB16][LOG12] stays unknown where it cannot be made again either', async () => {
    for (const [seq, second] of (['away', 'lost'] as const).entries()) {
      fates = ['done, and lost', second]
      await expect(append({ producer: { ...producer, seq } })).rejects.toThrow(
        expect.objectContaining({ code: 'OUTCOME_UNKNOWN' }),
      )
      expect(await events()).toHaveLength(seq + 1)
    }
  })

  it('[LOG12] is answered truly where the stream has ended, or its producer was fenced, in the meantime', async () => {
    meanwhile = () => append({ seal: true })
    fates = ['done, and lost']
    expect((await append({ producer })).type).toBe('duplicate')
    expect(await events()).toEqual(['1', '1'])
    await log.ensure('t', {})
    meanwhile = () => append({ seal: true }, 't')
    fates = ['lost']
    expect((await append({ producer }, 't')).type).toBe('sealed')
    await log.ensure('u', {})
    meanwhile = () => append({ producer: { ...producer, epoch: 1 } }, 'u')
    fates = ['done, and lost']
    await expect(append({ producer }, 'u')).rejects.toThrow(expect.objectContaining({ code: 'OUTCOME_UNKNOWN' }))
  })

  it('[DB16] is not made again without a producer', async () => {
    fates = ['lost']
    await expect(append()).rejects.toThrow(expect.objectContaining({ code: 'OUTCOME_UNKNOWN' }))
    expect(await events()).toEqual([])
  })
})
