import { LineProxy, startPostgres, type TestPostgres, until, withPostgres } from '@holdfast/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, statement, type Write, write } from './database.ts'
import { migrateUp } from './migrations.ts'
import { openPostgresDatabase, type PostgresOptions } from './postgres-database.ts'

const withCode = (code: string) => expect.objectContaining({ code })

let postgres: TestPostgres
let url: string
let open: Database[]
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())
beforeEach(async () => {
  url = await postgres.createDatabase()
  open = []
  await sql('CREATE TABLE things (id BIGINT PRIMARY KEY, n BIGINT NOT NULL DEFAULT 0)')
})
afterEach(() => Promise.all(open.map((db) => db.close())))

function database(options: Partial<PostgresOptions> = {}): Database {
  const db = openPostgresDatabase({ connectionString: url, ...options })
  open.push(db)
  return db
}

/** From beside the store's own connections. */
const sql = async (text: string): Promise<Record<string, unknown>[]> =>
  withPostgres(url, async (client) => (await client.query(text)).rows)
const things = async () => (await sql('SELECT id FROM things ORDER BY id')).map(({ id }) => Number(id))
const insert = (id: number): Write => write(statement('INSERT INTO things (id) VALUES (?)', [id]))
const two = (id: number): Write[] => [insert(id), insert(id + 1)]

/** A write that locks the row of a "stream". */
const onStream = (id: number): Write => ({
  ...write(statement('UPDATE things SET n = n + 1 WHERE id = ?', [id])),
  locks: String(id),
})

async function through(proxy: LineProxy, options: Partial<PostgresOptions> = {}): Promise<Database> {
  const line = new URL(url)
  line.port = String(proxy.port)
  const db = database({ connectionString: line.href, ...options })
  await db.read(statement('SELECT 1'))
  return db
}

/** Nothing comes through any more, and whoever was connected has heard of it. */
async function takeAway(line: LineProxy): Promise<void> {
  line.state = 'refused'
  await until(() => line.connections === 0)
  await new Promise(setImmediate)
}

const proxy = () => LineProxy.open(Number(new URL(url).port))

describe('commits of several nodes', () => {
  it('[DB14] two commits that lock the same streams in opposite order never wait for each other in a circle', async () => {
    const nodes = [database(), database()]
    await sql('INSERT INTO things (id) VALUES (1), (2), (3)')
    const commits = Array.from({ length: 200 }, (_, n) => {
      const [a = 1, b = 2] = n % 2 === 0 ? [1, 3] : [3, 1]
      return nodes[n % 2]?.commit([onStream(a), onStream(2), onStream(b)])
    })
    await Promise.all(commits)
    expect(await sql('SELECT n::int FROM things')).toEqual([{ n: 200 }, { n: 200 }, { n: 200 }])
    const [{ deadlocks } = { deadlocks: -1 }] = await sql(
      'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()',
    )
    expect(deadlocks).toBe(0)
  })

  it('[DB14] what circle there is all the same is broken by the store, and whoever gave way runs again', async () => {
    const [first, second] = [database(), database()]
    await sql('INSERT INTO things (id) VALUES (1), (2)')
    const touch = (id: number) => write(statement('UPDATE things SET n = n + 1 WHERE id = ?', [id]))
    const pause = write(statement('SELECT pg_sleep(0.3)'))
    await Promise.all([first.commit([touch(1), pause, touch(2)]), second.commit([touch(2), pause, touch(1)])])
    expect(await sql('SELECT n::int FROM things')).toEqual([{ n: 2 }, { n: 2 }])
  })

  it('[DB3] answers come by the writes as they were given, whatever order they ran in', async () => {
    const db = database()
    await sql('INSERT INTO things (id) VALUES (1), (2)')
    const give = (text: string, locks?: string): Write => ({
      ...write(statement(`SELECT '${text}' AS given`)),
      ...(locks ? { locks } : {}),
    })
    const result = await db.commit([give('b', 'b'), give('first'), give('a', 'a')])
    expect(result.map(([rows]) => rows?.[0]?.given)).toEqual(['b', 'first', 'a'])
  })

  it('[DB9] nodes that start together migrate once', async () => {
    const slow = {
      id: 'a/0001_slow',
      up: () => ['CREATE TABLE slow (id BIGINT)', 'SELECT pg_sleep(0.3)'],
      down: () => [],
    }
    const nodes = [database(), database(), database()]
    const applied = await Promise.all(nodes.map((db) => migrateUp(db, [slow], 0)))
    expect(applied.flat()).toEqual(['a/0001_slow'])
  })

  it('[DB9] a migration may take longer than any other commit', async () => {
    const long = {
      id: 'a/0001_long',
      up: () => ['CREATE TABLE long (id BIGINT)', 'SELECT pg_sleep(1.5)'],
      down: () => [],
    }
    const db = database({ answerMs: 200, patienceMs: 0 })
    await expect(db.commit([write(statement('SELECT pg_sleep(1.5)'))])).rejects.toThrow(withCode('UNAVAILABLE'))
    expect(await migrateUp(db, [long], 0)).toEqual(['a/0001_long'])
  })
})

describe('a store that is away', () => {
  it('[DB12] a session that is ended in the middle of a commit undoes it, and it is done again', async () => {
    const db = database()
    // Ends its session once: the second time the table says so.
    await sql('CREATE SEQUENCE ended')
    const end = statement('SELECT CASE WHEN nextval(?) = 1 THEN pg_terminate_backend(pg_backend_pid()) END AS ended', [
      'ended',
    ])
    await db.commit([insert(1), write(end), insert(2)])
    expect(await things()).toEqual([1, 2])
  })

  it('[DB12] past its deadline it is UNAVAILABLE, and nothing was written; other commits are taken', async () => {
    const db = database({ patienceMs: 0 })
    const cut = write(statement('SELECT pg_terminate_backend(pg_backend_pid())'))
    const code = () => db.commit([insert(1), cut, insert(2)]).catch((error) => error.code)
    // Now and then the end of the line outruns the word of it, and the outcome is not known.
    await expect.poll(code).toBe('UNAVAILABLE')
    await db.commit(two(3))
    expect(await things()).toEqual([3, 4])
  })

  it('[DB15] a commit and a read wait for a store that cannot be reached, and go on when it can', async () => {
    await using line = await proxy()
    const db = await through(line)
    await takeAway(line)
    const waiting = [db.commit(two(1)), db.read(statement('SELECT 1 AS one'))]
    await until(() => line.refused > 1)
    line.state = 'open'
    expect((await Promise.all(waiting))[1]).toEqual([{ one: 1 }])
    expect(await things()).toEqual([1, 2])
  })

  it('[DB15] up to the deadline: then UNAVAILABLE, nothing written', async () => {
    await using line = await proxy()
    const db = await through(line, { patienceMs: 200 })
    await takeAway(line)
    await expect(db.commit([insert(1)])).rejects.toThrow(withCode('UNAVAILABLE'))
    await expect(db.read(statement('SELECT 1'))).rejects.toThrow(withCode('UNAVAILABLE'))
    line.state = 'open'
    await db.commit([insert(2)])
    expect(await things()).toEqual([2])
  })

  it('[DB16] a commit whose answer never came may have been done: its outcome is unknown, and it is not repeated', async () => {
    await using line = await proxy()
    const db = await through(line)
    // So that both connections are there.
    await Promise.all([db.commit([insert(1)]), db.commit([insert(2)])])
    line.state = 'deaf'
    const asked = Promise.allSettled([db.commit([insert(3)]), db.commit(two(4))])
    await expect.poll(things).toEqual([1, 2, 3, 4, 5])
    line.cut()
    line.state = 'open'
    expect((await asked).map((result) => result.status === 'rejected' && result.reason.code)).toEqual([
      'OUTCOME_UNKNOWN',
      'OUTCOME_UNKNOWN',
    ])
    expect(await things()).toEqual([1, 2, 3, 4, 5])
  })

  it('[DB16] on a line that is half open nobody waits for ever', async () => {
    await using line = await proxy()
    const db = await through(line, { answerMs: 200 })
    await db.commit(two(1))
    line.state = 'silent'
    await expect(db.commit(two(3))).rejects.toThrow(withCode('OUTCOME_UNKNOWN'))
    line.state = 'open'
    await db.commit(two(5))
    expect(await things()).toEqual([1, 2, 5, 6])
  })

  it('[DB16] where one line has fallen silent for good, the others are not found out one after the other', async () => {
    await using line = await proxy()
    const db = await through(line, { answerMs: 200, maxConnections: 12 })
    const look = statement('SELECT pg_sleep(0.05)')
    await Promise.all(Array.from({ length: 5 }, () => Promise.all([db.read(look), db.commit(two(0)).catch(() => {})])))
    const before = line.connections
    expect(before).toBeGreaterThan(5)
    // These never answer again; new ones do.
    line.forsake()
    await expect(db.commit(two(10))).rejects.toThrow(withCode('OUTCOME_UNKNOWN'))
    // Sooner than a pool lets go of what it has not used for long.
    await expect.poll(() => line.connections, { timeout: 4_000 }).toBeLessThan(before - 4)
    await Promise.all([20, 30, 40].map((id) => db.commit(two(id))))
    expect(await things()).toEqual([0, 1, 20, 21, 30, 31, 40, 41])
  })

  it('[DB15] a store that takes no writes for a while is waited for', async () => {
    const db = database({ maxConnections: 6 })
    await db.commit(two(1))
    const isReadOnly = async (value: 'on' | 'off') => {
      await sql(`ALTER SYSTEM SET default_transaction_read_only = ${value}`)
      await sql('SELECT pg_reload_conf()')
      const shown = 'SHOW default_transaction_read_only'
      await expect.poll(() => sql(shown)).toEqual([{ default_transaction_read_only: value }])
    }
    await isReadOnly('on')
    const waiting = Promise.all([db.commit(two(3)), db.commit([insert(5)])])
    expect(await db.read(statement('SELECT count(*) AS n FROM things'))).toEqual([{ n: 2 }])
    await isReadOnly('off')
    await waiting
    expect(await things()).toEqual([1, 2, 3, 4, 5])
  })

  it('[DB15] where all connections are taken a commit waits its time, then is UNAVAILABLE; afterwards all is well', async () => {
    const db = database({ maxConnections: 6, patienceMs: 300 })
    await sql('INSERT INTO things (id) VALUES (1)')
    await withPostgres(url, async (holder) => {
      await holder.query('BEGIN; SELECT * FROM things WHERE id = 1 FOR UPDATE')
      const blocked = write(statement('UPDATE things SET n = n + 1 WHERE id = 1'))
      const stuck = [db.commit([blocked, insert(2)]), db.commit([blocked, insert(3)])]
      await expect(db.commit(two(4))).rejects.toThrow(withCode('UNAVAILABLE'))
      expect(await db.read(statement('SELECT 1 AS one'))).toEqual([{ one: 1 }])
      await holder.query('ROLLBACK')
      await Promise.all(stuck)
    })
    await db.commit(two(6))
    expect(await things()).toEqual([1, 2, 3, 6, 7])
  })

  it('[DB12] a writer that stops in the middle of a transaction does not hold its rows for ever', async () => {
    await sql('INSERT INTO things (id) VALUES (1)')
    const db = database({ answerMs: 300 })
    const hold = write(statement('UPDATE things SET n = 100 WHERE id = 1'), statement('SELECT pg_sleep(30)'))
    await expect(db.commit([hold])).rejects.toThrow(withCode('UNAVAILABLE'))
    await database().commit([write(statement('UPDATE things SET n = n + 1 WHERE id = 1'))])
    expect(await sql('SELECT n::int FROM things')).toEqual([{ n: 1 }])
  })

  it('[DB12] sessions that forgot what was prepared take commits whole and once', async () => {
    const db = database({ maxConnections: 6 })
    const hold = statement('SELECT pg_sleep(0.05)')
    const forget = write(statement('DEALLOCATE ALL'), hold)
    for (let round = 1; round < 4; round += 1)
      await Promise.all([1, 2].map((n) => db.commit([...two(10 * round + 2 * n), write(hold)])))
    await Promise.all([db.commit([forget]), db.commit([forget])])
    await Promise.all([db.commit(two(50)), db.commit(two(60))])
    expect((await things()).slice(-4)).toEqual([50, 51, 60, 61])
  })

  it('[DB12] a table that changes under a statement that was prepared is met with a new one', async () => {
    const db = database()
    const look = statement('SELECT * FROM things WHERE id = ?', [1])
    const all = write(statement('SELECT * FROM things WHERE id = ?', [1]))
    for (let round = 0; round < 3; round += 1) await Promise.all([db.read(look), db.commit([all, insert(round + 10)])])
    await sql('ALTER TABLE things ADD COLUMN more TEXT')
    await sql('INSERT INTO things (id) VALUES (1)')
    expect(await db.read(look)).toEqual([{ id: 1, n: 0, more: null }])
    expect((await db.commit([all, insert(20)]))[0]).toEqual([[{ id: 1, n: 0, more: null }]])
  })
})

describe('closing', () => {
  it('[DB8] whoever waits for a connection as the store closes is served', async () => {
    const db = database({ maxConnections: 6 })
    const reads = Array.from({ length: 9 }, () => db.read(statement("SELECT pg_sleep(0.05), 'read' AS said")))
    const commits = [1, 3, 5, 7].map((id) => db.commit(two(id)))
    await db.close()
    for (const read of reads) expect(await read).toMatchObject([{ said: 'read' }])
    await Promise.all(commits)
    expect(await things()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})

describe('lists', () => {
  /** Adds what the element says to the row it names; no row where there is none. */
  const ADD = 'SELECT element, n FROM add_all(CAST(? AS json))'
  const add = (id: number, n: number | string, more = ''): Write[] => [
    {
      statements: [
        {
          sql: ADD,
          params: [JSON.stringify([{ id, n, more }])],
          isList: true,
          expect: { rows: 1, otherwise: 'NOT_FOUND' },
        },
      ],
      locks: String(id),
    },
  ]

  beforeEach(async () => {
    await sql(`CREATE FUNCTION add_all(adds json) RETURNS TABLE (element bigint, n bigint) LANGUAGE plpgsql AS $$
      DECLARE a record; at bigint := 0;
      BEGIN
        INSERT INTO calls DEFAULT VALUES;
        FOR a IN SELECT * FROM json_to_recordset(adds) AS x (id bigint, n bigint) LOOP
          at := at + 1;
          RETURN QUERY UPDATE things t SET n = t.n * 10 + a.n WHERE t.id = a.id RETURNING at, t.n;
        END LOOP;
      END $$`)
    await sql('CREATE TABLE calls (id BIGINT GENERATED ALWAYS AS IDENTITY)')
    await sql('INSERT INTO things (id) VALUES (1), (2)')
  })

  it('[DB4] commits of one list each share a statement; one that is refused takes no neighbour with it', async () => {
    const db = database()
    const asked = [add(1, 1), add(9, 1), add(2, 1), add(1, 2), add(1, 3)].map((writes) => db.commit(writes))
    const settled = await Promise.allSettled(asked)
    expect(settled.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code))).toEqual([
      [[[{ n: 1 }]]],
      'NOT_FOUND',
      [[[{ n: 1 }]]],
      [[[{ n: 12 }]]],
      [[[{ n: 123 }]]],
    ])
    // One for each lane.
    expect(await sql('SELECT count(*)::int AS calls FROM calls')).toEqual([{ calls: 2 }])
  })

  it('[DB4] one that fails with an error takes no neighbour with it either', async () => {
    const db = database()
    const asked = [add(1, 1), add(1, 'not a number'), add(1, 2)].map((writes) => db.commit(writes))
    const settled = await Promise.allSettled(asked)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await sql('SELECT n::int FROM things WHERE id = 1')).toEqual([{ n: 12 }])
  })

  it('[DB17] commits that touch one stream and nothing else take effect in the order of the calls', async () => {
    const db = database()
    const told: number[] = []
    const digits = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7]
    await Promise.all(digits.map((digit) => db.commit(add(1, digit)).then(() => told.push(digit))))
    expect(told).toEqual(digits)
    expect(await sql('SELECT n::text FROM things WHERE id = 1')).toEqual([{ n: digits.join('') }])
  })

  it('[DB1] within a commit of several writes a list is judged like any statement', async () => {
    const db = database()
    await expect(db.commit([insert(3), ...add(9, 1)])).rejects.toThrow(withCode('NOT_FOUND'))
    expect(await things()).toEqual([1, 2])
    const result = await db.commit([insert(3), ...add(2, 7)])
    expect(result).toEqual([[[]], [[{ n: 7 }]]])
  })

  it('[DB4] a row that another program holds holds up nobody but those who want it', async () => {
    const db = database({ patienceMs: 3_000 })
    await sql('INSERT INTO things (id) SELECT generate_series(3, 40)')
    await withPostgres(url, async (program) => {
      await program.query('BEGIN')
      await program.query('UPDATE things SET n = 5 WHERE id = 1')
      const held = [1, 2].map((digit) => db.commit(add(1, digit)))
      const beside = Array.from({ length: 39 }, (_, n) => db.commit(add(n + 2, 1)))
      const first = await Promise.race([Promise.all(beside), ...held])
      expect(first).toHaveLength(39)
      // What comes now waits behind them, and the others go on.
      held.push(db.commit(add(1, 3)))
      await Promise.all(Array.from({ length: 39 }, (_, n) => db.commit(add(n + 2, 1))))
      await program.query('COMMIT')
      await Promise.all(held)
    })
    expect(await sql('SELECT n::int FROM things WHERE id < 4 ORDER BY id')).toEqual([{ n: 5123 }, { n: 11 }, { n: 11 }])
    await db.commit(add(1, 4))
    expect(await sql('SELECT n::int FROM things WHERE id = 1')).toEqual([{ n: 51_234 }])
  })

  it('[DB15] a row that stays held makes those who want it UNAVAILABLE, in their time', async () => {
    const db = database({ patienceMs: 1_000 })
    await withPostgres(url, async (program) => {
      await program.query('BEGIN')
      await program.query('UPDATE things SET n = 5 WHERE id = 1')
      const held = [1, 2, 3].map((digit) => db.commit(add(1, digit)))
      for (const commit of held) await expect(commit).rejects.toThrow(withCode('UNAVAILABLE'))
      await program.query('ROLLBACK')
    })
    await db.commit(add(1, 4))
    expect(await sql('SELECT n::int FROM things WHERE id = 1')).toEqual([{ n: 4 }])
  })

  it('[DB15] on a silent line what is gathered is refused in its time, however many batches it is', async () => {
    await using line = await proxy()
    const db = await through(line, { patienceMs: 300, answerMs: 300 })
    await db.commit(add(1, 1))
    line.state = 'silent'
    const asked = performance.now()
    const large = 'x'.repeat(700_000)
    const commits = Array.from({ length: 12 }, () => db.commit(add(1, 2, large)))
    const codes = await Promise.all(
      commits.map((commit) =>
        commit.then(
          () => 'done',
          ({ code }) => code,
        ),
      ),
    )
    expect(codes.slice(1)).toEqual(Array.from({ length: 11 }, () => 'UNAVAILABLE'))
    expect(performance.now() - asked).toBeLessThan(4_000)
  })

  it('[DB15] what is gathered while the store is away is refused in its time, not one batch after the other', async () => {
    await using line = await proxy()
    const db = await through(line, { patienceMs: 400 })
    await db.commit(add(1, 1))
    await takeAway(line)
    const asked = performance.now()
    const waiting = Array.from({ length: 5 }, () => db.commit(add(1, 2)))
    await until(() => line.refused > 0)
    const later = Array.from({ length: 5 }, () => db.commit(add(1, 3)))
    for (const commit of [...waiting, ...later]) await expect(commit).rejects.toThrow(withCode('UNAVAILABLE'))
    expect(performance.now() - asked).toBeLessThan(5_000)
    line.state = 'open'
    await db.commit(add(1, 4))
    expect(await sql('SELECT n::int FROM things WHERE id = 1')).toEqual([{ n: 14 }])
  })
})
