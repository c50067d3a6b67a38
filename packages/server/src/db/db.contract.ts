import { isHoldfastError } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Committed, type Database, statement, type Write, write } from './database.ts'
import { type Migration, migrateDown, migrateUp, migrationStatus } from './migrations.ts'

const rejectsWith = (code: string) => expect.objectContaining({ code })

function insert(id: number, text = 'x'): Write {
  return write(statement('INSERT INTO things (id, text) VALUES (?, ?)', [id, text]))
}

/** What every `Database` does, whatever it stands on (SPEC.md, rules DB). */
export function describeDatabase(name: string, open: () => Promise<Database>): void {
  describe(`Database on ${name}`, () => {
    let db: Database
    beforeEach(async () => {
      db = await open()
      await db.commit([write(statement('CREATE TABLE things (id BIGINT PRIMARY KEY, text TEXT NOT NULL)'))])
    })
    afterEach(() => db.close())

    const ids = async () => {
      const rows = await db.read<{ id: number }>(statement('SELECT id FROM things ORDER BY id'))
      return rows.map(({ id }) => id)
    }

    it('[DB1] a commit is whole: all of its writes, in order', async () => {
      await db.commit([insert(1), insert(2), write(statement('DELETE FROM things WHERE id = ?', [1]))])
      expect(await ids()).toEqual([2])
    })

    it('[DB1] a commit that fails changes nothing, wherever it fails', async () => {
      for (const at of [0, 1, 2]) {
        const writes = [insert(10), insert(11), insert(12)]
        writes.splice(at, 0, write(statement('INSERT INTO things (id, text) VALUES (?, ?)', [20, null])))
        await expect(db.commit(writes)).rejects.toThrow(rejectsWith('CONFLICT'))
      }
      expect(await ids()).toEqual([])
    })

    it('[DB2] a statement that gives another number of rows than expected fails the commit with its code', async () => {
      const fence = statement('UPDATE things SET text = ? WHERE id = ?', ['y', 7], { rows: 1, otherwise: 'FENCED' })
      await expect(db.commit([insert(1), write(fence)])).rejects.toThrow(rejectsWith('FENCED'))
      expect(await ids()).toEqual([])
      await db.commit([insert(7), write(fence)])
      const look = statement('SELECT id FROM things WHERE id = ?', [7], { rows: 0, otherwise: 'CONFLICT' })
      await expect(db.commit([write(look)])).rejects.toThrow(rejectsWith('CONFLICT'))
    })

    it('[DB3] a commit answers with the rows of each statement', async () => {
      const returning = statement('INSERT INTO things (id, text) VALUES (?, ?) RETURNING id, text', [3, 'three'])
      const result = await db.commit([insert(1), write(returning, statement('SELECT id FROM things ORDER BY id'))])
      expect(result.map((rows) => rows.map((given) => given.map((row) => ({ ...row }))))).toEqual([
        [[]],
        [[{ id: 3, text: 'three' }], [{ id: 1 }, { id: 3 }]],
      ])
    })

    it('[DB4] of many commits at once, one that fails takes no neighbour with it', async () => {
      const all = Array.from({ length: 50 }, (_, id) => db.commit([insert(id % 25 === 7 ? 7 : id)]))
      const settled = await Promise.allSettled(all)
      const failed = settled.filter((result) => result.status === 'rejected')
      expect(failed).toHaveLength(1)
      expect(await ids()).toHaveLength(49)
    })

    it('[DB4] wherever it fails: at its first statement, later, by an expectation or by an error', async () => {
      const unmet = statement('UPDATE things SET text = ? WHERE id < 0', ['x'], { rows: 1, otherwise: 'FENCED' })
      const surplus = statement('UPDATE things SET text = ?', ['changed'], { rows: 0, otherwise: 'CONFLICT' })
      const put = (id: number) => statement('INSERT INTO things (id, text) VALUES (?, ?)', [id, 'x'])
      await db.commit([write(put(0))])
      const failing = [[unmet], [put(100), unmet], [put(101), put(0)], [put(0)], [put(102), surplus], [surplus]]
      for (const [round, statements] of failing.entries()) {
        const id = 1 + round * 2
        // The first takes its own way to the disk, and the others gather behind it.
        const commits = [write(), write(put(id)), write(...statements), write(put(id + 1))].map((one) =>
          db.commit([one]),
        )
        const settled = await Promise.allSettled(commits)
        expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
      }
      expect(await ids()).toEqual(Array.from({ length: 13 }, (_, id) => id))
      expect(await db.read(statement("SELECT id FROM things WHERE text <> 'x'"))).toEqual([])
    })

    it('[DB3] as many different statements as one likes each give their own rows', async () => {
      for (let round = 0; round < 3; round += 1) {
        const asked = Array.from({ length: 900 }, (_, i) => i + round * 600)
        const answers = await Promise.all(asked.map((n) => db.commit([write(statement(`SELECT ${n} AS n`))])))
        expect(answers.map(([rows]) => Number(rows?.[0]?.[0]?.n))).toEqual(asked)
      }
    })

    it('[DB5] a read sees every commit acknowledged before it', async () => {
      for (let id = 0; id < 20; id += 1) {
        await db.commit([insert(id)])
        expect(await ids()).toHaveLength(id + 1)
      }
    })

    it('[DB6] appends are told after they are committed, before their commit resolves, never when it fails', async () => {
      const heard: Committed[] = []
      const stop = db.onCommitted((committed) => heard.push(...committed))
      const append = (id: number, tail: number): Write => ({
        statements: [
          statement('INSERT INTO things (id, text) VALUES (?, ?)', [id, 'x']),
          statement('SELECT ? AS incarnation, ? AS tail', [1, tail].map(String)),
        ],
        appended: { stream: 's', statement: 1, events: ['{}'], sealed: false },
      })
      await db.commit([append(1, 1), append(2, 2)])
      expect(heard.map(({ after, tail }) => [after.slice(-1), tail.slice(-1)])).toEqual([
        ['0', '1'],
        ['1', '2'],
      ])
      await expect(db.commit([append(3, 3), append(1, 4)])).rejects.toThrow()
      expect(heard).toHaveLength(2)
      stop()
      await db.commit([append(5, 5)])
      expect(heard).toHaveLength(2)
    })

    it('[DB7] a large parameter and every kind of value come back as they went in', async () => {
      await db.commit([write(statement('CREATE TABLE kinds (t TEXT, n BIGINT, f DOUBLE PRECISION, z TEXT)'))])
      const text = 'ä€😀'.repeat(100_000)
      const params = [text, Number.MAX_SAFE_INTEGER, 0.1, null]
      await db.commit([write(statement('INSERT INTO kinds VALUES (?, ?, ?, ?)', params))])
      const [row] = await db.read(statement('SELECT t, n, f, z FROM kinds'))
      expect({ ...row }).toEqual({ t: text, n: Number.MAX_SAFE_INTEGER, f: 0.1, z: null })
    })

    it('[DB8] after close everything is refused with a code, and closing twice is harmless', async () => {
      const last = db.commit([insert(1)])
      await db.close()
      await last
      await db.close()
      await expect(db.commit([insert(2)])).rejects.toThrow(rejectsWith('UNAVAILABLE'))
      await expect(db.read(statement('SELECT 1'))).rejects.toThrow(rejectsWith('UNAVAILABLE'))
    })

    it('[DB9] migrations go up once, in order, and down again, newest first', async () => {
      const first: Migration = {
        id: 'a/0001_one',
        up: () => ['CREATE TABLE one (id BIGINT PRIMARY KEY)'],
        down: () => ['DROP TABLE one'],
      }
      const second: Migration = {
        id: 'a/0002_two',
        up: () => ['ALTER TABLE one ADD COLUMN more TEXT', "INSERT INTO one (id, more) VALUES (1, 'm')"],
        down: () => ['DELETE FROM one', 'ALTER TABLE one DROP COLUMN more'],
      }
      expect(await migrateUp(db, [first], 0)).toEqual(['a/0001_one'])
      expect(await migrateUp(db, [first, second], 0)).toEqual(['a/0002_two'])
      expect(await migrateUp(db, [first, second], 0)).toEqual([])
      expect(await migrateDown(db, [first, second], 1)).toEqual(['a/0002_two'])
      expect(await migrationStatus(db, [first, second])).toEqual([
        { id: 'a/0001_one', applied: true },
        { id: 'a/0002_two', applied: false },
      ])
      expect(await db.read(statement('SELECT * FROM one'))).toHaveLength(0)
      await migrateUp(db, [first, second], 0)
      await expect(migrationStatus(db, [first])).rejects.toThrow('a/0002_two')
    })

    it('[DB9] a migration that fails half-way leaves nothing behind', async () => {
      const broken: Migration = {
        id: 'a/0001_broken',
        up: () => ['CREATE TABLE half (id BIGINT)', 'INSERT INTO nowhere VALUES (1)'],
        down: () => [],
      }
      await expect(migrateUp(db, [broken], 0)).rejects.toSatisfy((error) => isHoldfastError(error))
      await expect(db.read(statement('SELECT * FROM half'))).rejects.toThrow()
      expect(await migrationStatus(db, [broken])).toEqual([{ id: 'a/0001_broken', applied: false }])
    })
  })
}
