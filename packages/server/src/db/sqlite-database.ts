import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/protocol'
import { CommitListeners, committedBy } from './committed.ts'
import type { CommitResult, Committed, Database, Row, Statement, Write } from './database.ts'
import { ReadBudget } from './read-budget.ts'
import { type Given, type MemberResult, SqliteBatch } from './sqlite-batch.ts'
import { openReader, type SqliteSettings } from './sqlite-connection.ts'
import { BatchEncoder } from './sqlite-wire.ts'

export interface SqliteOptions extends SqliteSettings {
  /** The store failed in a way nothing may be acknowledged after (a failed fsync). The process must end. */
  onFatal: (error: Error) => void
}

interface Waiting {
  writes: readonly Write[]
  resolve: (result: CommitResult) => void
  reject: (error: Error) => void
}

// A batch ends a transaction's growth: past this, latency grows and the fsync is long since shared.
const BATCH_STATEMENTS = 2000

/**
 * Embedded SQLite: reads on this thread, writes in a worker thread that takes them in batches. While one batch is on
 * its way to the disk the next one gathers, so many commits share one fsync and a lone one waits for nobody.
 */
export async function openSqliteDatabase(options: SqliteOptions): Promise<Database> {
  const worker = new Worker(new URL('./sqlite-writer.ts', import.meta.url), {
    workerData: { path: options.path, durability: options.durability } satisfies SqliteSettings,
    env: compileCache(),
    // Batches come and go: room for a few is enough, and what is not given is not held.
    resourceLimits: { maxYoungGenerationSizeMb: 24 },
  })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  worker.removeAllListeners('error')
  return new SqliteDatabase(worker, openReader(options.path), options.onFatal)
}

/** A thread does not take over the compile cache of its process; without one it compiles anew and holds 20 MB more. */
function compileCache(): NodeJS.ProcessEnv {
  const folder = getCompileCacheDir()
  // It names the folder of this version of Node, which stands in the one that is asked for.
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
}

class SqliteDatabase implements Database {
  readonly dialect = 'sqlite'
  readonly #worker: Worker
  readonly #reader: Reader
  readonly #reads = new ReadBudget()
  readonly #encoder = new BatchEncoder()
  readonly #listeners = new CommitListeners()
  readonly #onFatal: (error: Error) => void
  #queue: Waiting[] = []
  #underway: Waiting[] = []
  #state: 'open' | 'closing' | 'closed' = 'open'
  #idle: (() => void) | null = null
  #closed: Promise<void> | null = null

  constructor(worker: Worker, connection: DatabaseSync, onFatal: (error: Error) => void) {
    this.#worker = worker
    this.#reader = new Reader(connection)
    this.#onFatal = onFatal
    worker.on('message', (results: MemberResult[]) => this.#settle(results))
    worker.on('error', (error) => this.#die(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', () => this.#state !== 'closed' && this.#die(new Error('the writer thread ended')))
  }

  commit(writes: readonly Write[]): Promise<CommitResult> {
    if (this.#state !== 'open') return Promise.reject(new HoldfastError('UNAVAILABLE', 'The store is closed.'))
    return new Promise((resolve, reject) => {
      // Not at once: commits made side by side share a batch, and are told in one turn, from the first on.
      if (this.#queue.push({ writes, resolve, reject }) === 1) queueMicrotask(() => this.#send())
    })
  }

  read<T = Row>(statement: Statement): Promise<T[]> {
    return this.#reads.run(() => {
      if (this.#state === 'closed') throw new HoldfastError('UNAVAILABLE', 'The store is closed.')
      return this.#reader.all(statement) as T[]
    })
  }

  onCommitted(listener: (committed: readonly Committed[]) => void): () => void {
    return this.#listeners.add(listener)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #send(): void {
    if (this.#underway.length > 0 || this.#queue.length === 0) return
    let statements = 0
    const rest = this.#queue.findIndex((waiting) => {
      statements += waiting.writes.reduce((sum, write) => sum + write.statements.length, 0)
      return statements > BATCH_STATEMENTS
    })
    // A commit larger than a batch still goes, alone.
    this.#underway = this.#queue.splice(0, rest === -1 ? this.#queue.length : Math.max(1, rest))
    this.#worker.postMessage(this.#encoder.encode(this.#underway.map(({ writes }) => statementsOf(writes))))
  }

  #settle(results: MemberResult[]): void {
    const settled = this.#underway
    this.#underway = []
    // The next batch goes first: the disk works while this thread tells everybody.
    this.#send()
    settleAll(settled, results, this.#listeners)
    if (this.#underway.length === 0) this.#idle?.()
  }

  #die(error: Error): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    // Whether these were written is not known, and must not be claimed either way: the process ends now.
    for (const waiting of [...this.#underway, ...this.#queue]) {
      waiting.reject(new HoldfastError('UNAVAILABLE', 'The store failed.', { cause: error }))
    }
    this.#underway = []
    this.#queue = []
    this.#idle?.()
    this.#onFatal(error)
  }

  async #close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closing'
    this.#send()
    if (this.#underway.length > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    this.#state = 'closed'
    this.#reader.close()
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.postMessage('close')
    await exited
  }
}

/**
 * SQLite in memory, in this thread: nothing outlives it. For tests and for trying things; the same SQL, the same
 * promises but durability.
 */
export function openMemoryDatabase(): Database {
  const db = new DatabaseSync(':memory:')
  db.exec('PRAGMA foreign_keys = ON')
  const batch = new SqliteBatch(db)
  const reader = new Reader(db)
  const listeners = new CommitListeners()
  let open = true
  return {
    dialect: 'sqlite',
    commit: (writes) =>
      new Promise((resolve, reject) => {
        if (!open) return reject(new HoldfastError('UNAVAILABLE', 'The store is closed.'))
        const members = [
          statementsOf(writes).map(({ sql, params, expect }) => ({ sql, params, rows: expect?.rows ?? null })),
        ]
        const results = batch.run(members)
        settleAll([{ writes, resolve, reject }], results, listeners)
      }),
    async read<T = Row>(statement: Statement) {
      if (!open) throw new HoldfastError('UNAVAILABLE', 'The store is closed.')
      return reader.all(statement) as T[]
    },
    onCommitted: (listener) => listeners.add(listener),
    async close() {
      if (open) db.close()
      open = false
    },
  }
}

function settleAll(settled: readonly Waiting[], results: readonly MemberResult[], listeners: CommitListeners): void {
  const told: Committed[] = []
  const acknowledge: (() => void)[] = []
  for (const [index, waiting] of settled.entries()) {
    const result = results[index]
    if (!result?.ok) {
      acknowledge.push(() => waiting.reject(refusal(waiting.writes, result)))
      continue
    }
    const rows = splitByWrite(waiting.writes, result.given)
    told.push(...committedBy(waiting.writes, rows))
    acknowledge.push(() => waiting.resolve(rows))
  }
  listeners.tell(told)
  for (const done of acknowledge) done()
}

/** A commit of one write, as most are, is not copied. */
function statementsOf(writes: readonly Write[]): readonly Statement[] {
  const [only] = writes
  return only && writes.length === 1 ? only.statements : writes.flatMap(({ statements }) => statements)
}

function refusal(writes: readonly Write[], result: (MemberResult & { ok: false }) | undefined): HoldfastError {
  if (!result) return new HoldfastError('INTERNAL_ERROR')
  if ('code' in result) return new HoldfastError(result.code, result.detail || undefined)
  const unmet = statementsOf(writes)[result.unmet]?.expect
  return new HoldfastError(unmet?.otherwise ?? 'INTERNAL_ERROR', unmet?.detail)
}

function splitByWrite(writes: readonly Write[], given: readonly Given[]): CommitResult {
  const rows = given.map(rowsOf)
  if (writes.length === 1) return [rows]
  let from = 0
  return writes.map(({ statements }) => {
    from += statements.length
    return rows.slice(from - statements.length, from)
  })
}

function rowsOf(given: Given): Row[] {
  if (given === null) return []
  const [names, ...rows] = given
  return rows.map((values) => {
    const row: Row = {}
    for (const [index, name] of names.entries()) row[name] = values[index] ?? null
    return row
  })
}

class Reader {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  all({ sql, params }: Statement): Row[] {
    let prepared = this.#prepared.get(sql)
    if (!prepared) {
      prepared = this.#db.prepare(sql)
      if (this.#prepared.size >= 500) this.#prepared.clear()
      this.#prepared.set(sql, prepared)
    }
    return prepared.all(...params) as Row[]
  }

  close(): void {
    this.#db.close()
  }
}
