import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { type Database, type Dialect, type Statement, statement, write } from './database.ts'

/** One step of the schema, with its way back. Ids sort in the order of application and never change. */
export interface Migration {
  /** `<owner>/<four digits>_<what>`, for instance `log/0001_streams`. */
  id: string
  up: (dialect: Dialect) => string[]
  down: (dialect: Dialect) => string[]
}

export interface MigrationStatus {
  id: string
  applied: boolean
}

const TABLE = 'CREATE TABLE IF NOT EXISTS migrations (id TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)'

/** Applies what is not applied yet, in the order given, each one whole or not at all. Returns what it applied. */
export async function migrateUp(db: Database, migrations: readonly Migration[], now: number): Promise<string[]> {
  const known = await appliedIds(db)
  const applied: string[] = []
  for (const { id, up } of migrations.filter((migration) => !known.has(migration.id))) {
    const mark = statement('INSERT INTO migrations (id, applied_at) VALUES (?, ?)', [id, now])
    try {
      await db.commit([write(...takeTurn(db), statement(IS_MISSING, [id], ALREADY), ...ddl(up(db.dialect)), mark)])
      applied.push(id)
    } catch (error) {
      // Another node that starts at the same time was first.
      if (!isHoldfastError(error, 'ALREADY_ENDED')) throw error
    }
  }
  return applied
}

/** Takes the last `steps` applied migrations back, newest first. Returns what it took back. */
export async function migrateDown(db: Database, migrations: readonly Migration[], steps: number): Promise<string[]> {
  const applied = await appliedIds(db)
  const known = migrations.filter(({ id }) => applied.has(id)).reverse()
  const taken = known.slice(0, steps)
  for (const { id, down } of taken) {
    const unmark = statement('DELETE FROM migrations WHERE id = ?', [id])
    await db.commit([write(...ddl(down(db.dialect)), unmark)])
  }
  return taken.map(({ id }) => id)
}

/** What is applied and what is not. Refuses a database from a newer version, which this one would damage. */
export async function migrationStatus(db: Database, migrations: readonly Migration[]): Promise<MigrationStatus[]> {
  const applied = await appliedIds(db)
  const unknown = [...applied].filter((id) => !migrations.some((migration) => migration.id === id))
  if (unknown.length > 0) {
    throw new HoldfastError('CONFLICT', `The database was written by a newer version (it has ${unknown.join(', ')}).`)
  }
  return migrations.map(({ id }) => ({ id, applied: applied.has(id) }))
}

async function appliedIds(db: Database): Promise<Set<string>> {
  await db.commit([write(...takeTurn(db), statement(TABLE))])
  const rows = await db.read<{ id: string }>(statement('SELECT id FROM migrations'))
  return new Set(rows.map(({ id }) => id))
}

const IS_MISSING = 'SELECT 1 AS one WHERE NOT EXISTS (SELECT 1 FROM migrations WHERE id = ?)'
const ALREADY = { rows: 1, otherwise: 'ALREADY_ENDED' } as const

// Any number will do, as long as every node takes the same.
const LOCK: Statement = { sql: 'SELECT pg_advisory_xact_lock(4000500060007000)', params: [], isSlow: true }

/** Nodes that start together migrate one after the other; SQLite has one writer anyway. */
function takeTurn(db: Database): Statement[] {
  return db.dialect === 'postgres' ? [LOCK] : []
}

function ddl(texts: string[]): Statement[] {
  return texts.map((sql) => statement(sql))
}
