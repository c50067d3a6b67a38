import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ErrorCode } from '@holdfast/protocol'
import type { Row, Statement } from './database.ts'

/** The statements of one commit, flattened. */
export type Member = readonly Statement[]

/** A member's rows per statement, or why it changed nothing. Plain data: it crosses threads. */
export type MemberResult = { ok: true; rows: Row[][] } | { ok: false; code: ErrorCode; detail: string }

const SQLITE_BUSY = 5
const SQLITE_IOERR = 10
const SQLITE_FULL = 13
const SQLITE_CONSTRAINT = 19

/** An error the store cannot be trusted after: what the kernel says of a failed fsync is not to be repeated. */
export class FatalStoreError extends Error {}

/**
 * Runs members on one connection: together in one transaction, each under its own savepoint, so that they share
 * the fsync but not each other's failures. Where the shared transaction is lost (a full disk rolls it back as a
 * whole) every member gets a transaction of its own, so that those who fit are still written.
 */
export class SqliteBatch {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, { prepared: StatementSync; givesRows: boolean }>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  run(members: readonly Member[]): MemberResult[] {
    if (members.length === 1) return members.map((member) => this.#alone(member))
    return this.#together(members) ?? members.map((member) => this.#alone(member))
  }

  #together(members: readonly Member[]): MemberResult[] | null {
    try {
      this.#exec('BEGIN IMMEDIATE')
      const results: MemberResult[] = []
      for (const member of members) {
        this.#exec('SAVEPOINT member')
        const result = this.#statements(member)
        if (!this.#db.isTransaction) return null
        if (!result.ok) this.#exec('ROLLBACK TO member')
        this.#exec('RELEASE member')
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
      const result = this.#statements(member)
      if (result.ok) this.#exec('COMMIT')
      else this.#rollback()
      return result
    } catch (error) {
      this.#rollback()
      throwIfFatal(error)
      return { ok: false, ...describe(error) }
    }
  }

  #statements(member: Member): MemberResult {
    const rows: Row[][] = []
    for (const statement of member) {
      try {
        const given = this.#run(statement)
        if (given.unmet) return { ok: false, ...given.unmet }
        rows.push(given.rows)
      } catch (error) {
        return { ok: false, ...describe(error) }
      }
    }
    return { ok: true, rows }
  }

  #run({ sql, params, expect }: Statement): { rows: Row[]; unmet?: { code: ErrorCode; detail: string } } {
    const { prepared, givesRows } = this.#prepare(sql)
    const rows = givesRows ? (prepared.all(...params) as Row[]) : []
    const count = givesRows ? rows.length : prepared.run(...params).changes
    if (expect && Number(count) !== expect.rows) {
      return { rows, unmet: { code: expect.otherwise, detail: expect.detail ?? '' } }
    }
    return { rows }
  }

  #exec(sql: string): void {
    this.#prepare(sql).prepared.run()
  }

  #rollback(): void {
    if (this.#db.isTransaction) this.#exec('ROLLBACK')
  }

  #prepare(sql: string): { prepared: StatementSync; givesRows: boolean } {
    let known = this.#prepared.get(sql)
    if (!known) {
      const prepared = this.#db.prepare(sql)
      known = { prepared, givesRows: prepared.columns().length > 0 }
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
