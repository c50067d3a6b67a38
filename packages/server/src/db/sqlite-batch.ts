import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ErrorCode } from '@holdfast/protocol'
import type { SqlValue, Statement } from './database.ts'

/** A statement, and how many rows it must give or change; `null` for any number. */
export interface BatchStatement {
  sql: string
  params: Statement['params']
  rows: number | null
}

/** The statements of one commit, flattened. */
export type Member = readonly BatchStatement[]

/** What a statement gave: `null` for no rows, else the names of the columns, and their values row by row. */
export type Given = null | readonly [names: readonly string[], ...rows: SqlValue[][]]

/**
 * What a member's statements gave, or why it changed nothing. Plain data: it crosses threads, and there the names,
 * one array for all rows of all members, cost nearly nothing, where objects would spell them out each time.
 */
export type MemberResult =
  | { ok: true; given: Given[] }
  /** The statement of this index did not give or change as many rows as it must. */
  | { ok: false; unmet: number }
  | { ok: false; code: ErrorCode; detail: string }

interface Prepared {
  prepared: StatementSync
  /** Empty where it gives no rows. */
  names: readonly string[]
}

const SQLITE_BUSY = 5
const SQLITE_IOERR = 10
const SQLITE_FULL = 13
const SQLITE_CONSTRAINT = 19

/** An error the store cannot be trusted after: what the kernel says of a failed fsync is not to be repeated. */
export class FatalStoreError extends Error {}

/**
 * Runs members on one connection, together in one transaction, so that they share the fsync but not each other's
 * failures: one that fails with its first statement has changed nothing; where another does, all begin again, each
 * under its own savepoint. Where the shared transaction is lost (a full disk rolls it back as a whole) every member
 * gets a transaction of its own, so that those who fit are still written.
 */
export class SqliteBatch {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, Prepared>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  run(members: readonly Member[]): MemberResult[] {
    if (members.length === 1) return members.map((member) => this.#alone(member))
    return (
      this.#together(members, false) ?? this.#together(members, true) ?? members.map((member) => this.#alone(member))
    )
  }

  /** `null` where it has to be done otherwise; nothing was written then. */
  #together(members: readonly Member[], savepoints: boolean): MemberResult[] | null {
    try {
      this.#exec('BEGIN IMMEDIATE')
      const results: MemberResult[] = []
      for (const member of members) {
        if (savepoints) this.#exec('SAVEPOINT member')
        const { result, changed } = this.#statements(member)
        if (!this.#db.isTransaction) return null
        if (!savepoints && changed && !result.ok) {
          this.#rollback()
          return null
        }
        if (savepoints && !result.ok) this.#exec('ROLLBACK TO member')
        if (savepoints) this.#exec('RELEASE member')
        results.push(result)
      }
      this.#exec('COMMIT')
      return results
    } catch (error) {
      this.#rollback()
      throwIfFatal(error)
      return null
    }
  }

  #alone(member: Member): MemberResult {
    try {
      this.#exec('BEGIN IMMEDIATE')
      const { result } = this.#statements(member)
      if (result.ok) this.#exec('COMMIT')
      else this.#rollback()
      return result
    } catch (error) {
      this.#rollback()
      throwIfFatal(error)
      return { ok: false, ...describe(error) }
    }
  }

  /** `changed`: whether something may have been by the time it failed. A statement that throws undoes itself. */
  #statements(member: Member): { result: MemberResult; changed: boolean } {
    const all: Given[] = []
    for (const [index, statement] of member.entries()) {
      try {
        const { given, count } = this.#run(statement)
        if (statement.rows !== null && count !== statement.rows) {
          return { result: { ok: false, unmet: index }, changed: index > 0 || count > 0 }
        }
        all.push(given)
      } catch (error) {
        return { result: { ok: false, ...describe(error) }, changed: index > 0 }
      }
    }
    return { result: { ok: true, given: all }, changed: true }
  }

  #run({ sql, params }: BatchStatement): { given: Given; count: number } {
    const { prepared, names } = this.#prepare(sql)
    if (names.length === 0) return { given: null, count: Number(prepared.run(...params).changes) }
    const rows = prepared.all(...params) as unknown as SqlValue[][]
    return { given: rows.length === 0 ? null : [names, ...rows], count: rows.length }
  }

  #exec(sql: string): void {
    this.#prepare(sql).prepared.run()
  }

  #rollback(): void {
    if (this.#db.isTransaction) this.#exec('ROLLBACK')
  }

  #prepare(sql: string): Prepared {
    let known = this.#prepared.get(sql)
    if (!known) {
      const prepared = this.#db.prepare(sql)
      prepared.setReturnArrays(true)
      known = { prepared, names: prepared.columns().map(({ name }) => name) }
      // Migrations and filters make one-off texts; the hot ones are few and come back.
      if (this.#prepared.size >= 500) this.#prepared.clear()
      this.#prepared.set(sql, known)
    }
    return known
  }
}

function describe(error: unknown): { code: ErrorCode; detail: string } {
  const detail = error instanceof Error ? error.message : String(error)
  switch (primaryCode(error)) {
    case SQLITE_FULL:
      return { code: 'STORAGE_FULL', detail: '' }
    case SQLITE_BUSY:
      return { code: 'UNAVAILABLE', detail: 'Another program holds the database.' }
    case SQLITE_CONSTRAINT:
      return { code: 'CONFLICT', detail }
    default:
      return { code: 'INTERNAL_ERROR', detail }
  }
}

function throwIfFatal(error: unknown): void {
  if (primaryCode(error) !== SQLITE_IOERR) return
  throw new FatalStoreError('the store could not write to its disk', { cause: error })
}

/** SQLite's result code without the extension in its upper bytes. Source: sqlite.org/rescode.html */
function primaryCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : null
}
