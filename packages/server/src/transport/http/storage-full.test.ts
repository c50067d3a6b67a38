import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { statement, write } from '../../db/database.ts'
import { openSqliteDatabase } from '../../db/sqlite-database.ts'
import { startLiveServer } from '../fixtures/live-server.ts'
import { streamClient } from '../fixtures/stream-client.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-full-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a full disk', () => {
  it('[HTTP26] fails the appends that do not fit and no others, and is over when there is room', async () => {
    const db = await openSqliteDatabase({
      path: join(folder, 'full.db'),
      durability: 'full',
      onFatal: (error) => {
        throw error
      },
    })
    const live = await startLiveServer({ db })
    const ask = streamClient(live)
    const headers = { 'content-type': 'application/json' }
    await ask('PUT', 's', { headers })
    const append = (body: string) => ask('POST', 's', { headers, body })
    // What a full disk is to SQLite: no page more (sqlite.org/pragma.html#pragma_max_page_count).
    const [rows] = await db.read<{ page_count: number }>(statement('PRAGMA page_count'))
    await db.commit([write(statement(`PRAGMA max_page_count = ${rows?.page_count}`))])
    const large = JSON.stringify('x'.repeat(100_000))
    const answers = await Promise.all([append('1'), append(large), append('2')])
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [204, undefined],
      [507, 'STORAGE_FULL'],
      [204, undefined],
    ])
    expect((await ask('GET', 's')).text).toMatch(/^\[(1,2|2,1)\]$/)
    await db.commit([write(statement('PRAGMA max_page_count = 1000000'))])
    expect((await append(large)).status).toBe(204)
    await live[Symbol.asyncDispose]()
  })
})
