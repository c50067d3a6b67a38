import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { statement, write } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { openSqliteDatabase } from '../db/sqlite-database.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-durability-'))
})
afterAll(() => rm(folder, { recursive: true }))

const open = (path: string) =>
  openSqliteDatabase({
    path,
    durability: 'full',
    onFatal: (error) => {
      throw error
    },
  })

/** Runs the appending process until it has acknowledged `count` appends, kills it, and gives what it acknowledged. */
function killAfter(count: number, fixture: string, ...args: string[]): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', fixture), ...args])
  let said = ''
  let complaint = ''
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.split('\n').length > count) child.kill('SIGKILL')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(said.split('\n').slice(0, -1))
      else reject(new Error(`it ended by itself (${signal ?? code}): ${complaint}`))
    })
  })
}

describe('durability', () => {
  it('[DB10] after kill -9 every acknowledged append is there, once, in its place', async () => {
    const path = join(folder, 'killed.db')
    const first = await open(path)
    await migrateUp(first, logMigrations, 0)
    await first.close()
    const acknowledged = new Map<string, string>()
    for (const count of [1, 40, 300, 1000]) {
      for (const line of await killAfter(count, 'append-forever.ts', path)) {
        const [stream = '', tail = '', ...text] = line.split(' ')
        expect(acknowledged.has(`${stream} ${tail}`)).toBe(false)
        acknowledged.set(`${stream} ${tail}`, text.join(' '))
      }
      const db = await open(path)
      const log = new SqlStreamLog(db, systemClock)
      const found = new Map<string, string>()
      for (let id = 0; id < 10; id += 1) {
        const stream = `s${id}`
        const info = await log.info(stream)
        if (!info) continue
        const { events, upToDate } = await log.read(stream, null, { maxEvents: 100_000, maxLength: 1e9 })
        expect(upToDate).toBe(true)
        for (const [index, text] of events.entries()) found.set(`${stream} ${index + 1}`, text)
      }
      for (const [place, text] of acknowledged) expect(found.get(place), place).toBe(text)
      await db.close()
    }
    expect(acknowledged.size).toBeGreaterThan(1000)
  })

  it('[X5a][LOG12] after kill -9 the producers and their events are in step: what is repeated is stored once', async () => {
    const path = join(folder, 'producers.db')
    const first = await open(path)
    await migrateUp(first, logMigrations, 0)
    await new SqlStreamLog(first, systemClock).ensure('s', {})
    await first.close()
    const next = Array.from({ length: 8 }, () => 0)
    for (const count of [1, 50, 400, 800]) {
      // Each producer goes on from before its last acknowledgement, as one that was killed as well would.
      const from = next.map((seq) => Math.max(0, seq - 2)).join(',')
      for (const line of await killAfter(count, 'produce-forever.ts', path, from)) {
        const [, id = '', seq = '', type] = /^p(\d) (\d+) (\w+)$/.exec(line) ?? []
        expect(type, line).toMatch(/appended|duplicate/)
        next[Number(id)] = Math.max(next[Number(id)] ?? 0, Number(seq) + 1)
      }
    }
    const db = await open(path)
    const { events } = await new SqlStreamLog(db, systemClock).read('s', null, { maxEvents: 100_000, maxLength: 1e9 })
    const states = await db.read<{ producer: string; seq: number }>(statement('SELECT * FROM stream_producers'))
    for (const [index, acknowledged] of next.entries()) {
      const own = events.filter((text) => text.startsWith(`"p${index} `))
      expect(own).toEqual(own.map((_, seq) => `"p${index} ${seq}"`))
      expect(own.length).toBeGreaterThanOrEqual(acknowledged)
      expect(states.find(({ producer }) => producer === `p${index}`)?.seq).toBe(own.length - 1)
    }
    await db.close()
  })

  it('[DB11] a full disk fails the commits that do not fit with STORAGE_FULL, and no others', async () => {
    const db = await open(join(folder, 'full.db'))
    await db.commit([write(statement('CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT, n INTEGER)'))])
    await db.commit([write(statement("INSERT INTO things VALUES (1, 'small', 0)"))])
    // What a full disk is to SQLite: no page more (sqlite.org/pragma.html#pragma_max_page_count).
    const [rows] = await db.read<{ page_count: number }>(statement('PRAGMA page_count'))
    await db.commit([write(statement(`PRAGMA max_page_count = ${rows?.page_count}`))])
    const large = write(statement('INSERT INTO things (text) VALUES (?)', ['x'.repeat(100_000)]))
    const count = write(statement('UPDATE things SET n = n + 1 WHERE id = 1'))
    const settled = await Promise.allSettled([db.commit([count]), db.commit([count, large]), db.commit([count])])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await expect(db.commit([large])).rejects.toThrow(expect.objectContaining({ code: 'STORAGE_FULL' }))
    expect(await db.read(statement('SELECT n FROM things'))).toEqual([{ n: 2 }])
    await db.commit([write(statement('PRAGMA max_page_count = 1000000'))])
    await db.commit([large])
    expect(await db.read(statement('SELECT COUNT(*) AS n FROM things'))).toEqual([{ n: 2 }])
    await db.close()
  })
})
