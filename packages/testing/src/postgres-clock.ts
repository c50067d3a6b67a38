import { type Database, type Statement, statement, type Write, write } from '@holdfast/server'

const LOOK = `
  SELECT to_regclass('test_clock') IS NOT NULL AS taken, EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'holdfast_now') AS there`
const TAKE_OVER = [
  'CREATE TABLE test_clock (id BIGINT PRIMARY KEY, at BIGINT NOT NULL)',
  `CREATE OR REPLACE FUNCTION holdfast_now() RETURNS bigint LANGUAGE sql VOLATILE AS
   $$ SELECT at FROM test_clock WHERE id = 1 $$`,
]
const SET = `
  INSERT INTO test_clock (id, at) VALUES (1, ?)
  ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE test_clock.at < excluded.at`

/**
 * Puts the time of PostgreSQL's `holdfast_now()` into a test's hand: before each commit and each read it is what
 * `clock` says. As soon as the function is there; until then everything goes through as it is. Connections to one
 * database share one clock.
 */
export function withPostgresClock(db: Database, clock: { now(): number }): Database {
  let isThere = false
  let told = Number.NEGATIVE_INFINITY

  const takeOver = async () => {
    const [found] = await db.read<{ taken: boolean; there: boolean }>(statement(LOOK))
    if (!found?.there) return
    if (!found.taken) await db.commit([write(...TAKE_OVER.map((sql) => statement(sql)))])
    isThere = true
  }
  const keepInStep = async () => {
    if (!isThere) await takeOver()
    const now = clock.now()
    if (!isThere || now === told) return
    await db.commit([write(statement(SET, [now]))])
    told = now
  }

  return {
    dialect: db.dialect,
    async commit(writes: readonly Write[]) {
      await keepInStep()
      return db.commit(writes)
    },
    async read<T>(asked: Statement) {
      await keepInStep()
      return db.read<T>(asked)
    },
    onCommitted: (listener) => db.onCommitted(listener),
    close: () => db.close(),
  }
}
