import { HoldfastError } from '@holdfast/protocol'
import type pg from 'pg'
import type { CommitResult, Row, Statement, Write } from './database.ts'
import { lockedStream } from './lock-order.ts'
import type { Patience } from './patience.ts'
import { translate } from './postgres-errors.ts'
import { transact } from './postgres-transaction.ts'
import type { StatementNames } from './statement-names.ts'

// Past these a batch makes its members wait for one another longer than a round trip is worth.
const BATCH_MEMBERS = 500
const BATCH_LENGTH = 1_000_000

interface Member {
  writes: readonly Write[]
  statement: Statement
  stream: string
  since: number
  resolve: (result: CommitResult) => void
  reject: (error: Error) => void
}

export interface ListLanesOptions {
  /** One of one connection each. */
  pools: readonly pg.Pool[]
  names: StatementNames
  patience: Patience
  /** Of a commit that is on disk, before it resolves. */
  tell: (writes: readonly Write[], result: CommitResult) => void
}

/**
 * Commits that are one list statement each (see `Statement.isList`), gathered: what comes while one batch is under way
 * is the next, one statement and one fsync for all of it. A stream has its lane, so its commits stay in order; within
 * a batch the streams are taken in the order of their names, like everywhere.
 */
export class ListLanes {
  readonly #lanes: Lane[]

  constructor({ pools, ...world }: ListLanesOptions) {
    this.#lanes = pools.map((pool) => new Lane({ ...world, pool }))
  }

  /** Whether a commit goes this way. */
  takes(writes: readonly Write[]): boolean {
    const [only] = writes
    return writes.length === 1 && only?.statements.length === 1 && only.statements[0]?.isList === true
  }

  commit(writes: readonly Write[]): Promise<CommitResult> {
    const stream = (writes[0] && lockedStream(writes[0])) ?? ''
    return (this.#lanes[hash(stream) % this.#lanes.length] as Lane).commit(writes, stream)
  }
}

class Lane {
  readonly #world: Omit<ListLanesOptions, 'pools'> & { pool: pg.Pool }
  #queue: Member[] = []
  #isBusy = false

  constructor(world: Omit<ListLanesOptions, 'pools'> & { pool: pg.Pool }) {
    this.#world = world
  }

  commit(writes: readonly Write[], stream: string): Promise<CommitResult> {
    const statement = writes[0]?.statements[0] as Statement
    const since = this.#world.patience.now()
    return new Promise((resolve, reject) => {
      this.#queue.push({ writes, statement, stream, since, resolve, reject })
      if (this.#isBusy) return
      this.#isBusy = true
      // Not at once: commits made side by side share a batch from the first on.
      queueMicrotask(() => void this.#work())
    })
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) await this.#run(this.#take())
    this.#isBusy = false
  }

  /** Those of the first one's text, as many as a batch may hold, by stream. */
  #take(): Member[] {
    const sql = this.#queue[0]?.statement.sql
    let length = 0
    const end = this.#queue.findIndex(({ statement }, index) => {
      length += elementOf(statement).length
      return index > 0 && (statement.sql !== sql || index >= BATCH_MEMBERS || length > BATCH_LENGTH)
    })
    const batch = this.#queue.splice(0, end === -1 ? this.#queue.length : end)
    return batch.sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0))
  }

  async #run(batch: readonly Member[]): Promise<void> {
    const { pool, names, patience } = this.#world
    try {
      const since = Math.min(...batch.map((member) => member.since))
      const [rows = []] = await patience.insist(() => transact(pool, names, [joined(batch)]), since)
      this.#settle(batch, rows)
    } catch (error) {
      const failed = translate(error)
      const isOfAll =
        failed.code === 'UNAVAILABLE' || failed.code === 'OUTCOME_UNKNOWN' || failed.code === 'STORAGE_FULL'
      if (isOfAll || batch.length === 1) for (const { reject } of batch) reject(failed)
      // One of them cannot be done, and all were undone with it: each by itself, then.
      else for (const member of batch) await this.#run([member])
    }
  }

  #settle(batch: readonly Member[], rows: readonly Row[]): void {
    const given = new Map<number, Row[]>()
    for (const { element, ...row } of rows) {
      const known = given.get(Number(element))
      if (known) known.push(row)
      else given.set(Number(element), [row])
    }
    const acknowledge: (() => void)[] = []
    for (const [index, { writes, statement, resolve, reject }] of batch.entries()) {
      const own = given.get(index + 1) ?? []
      const { expect } = statement
      if (expect && own.length !== expect.rows) {
        reject(new HoldfastError(expect.otherwise, expect.detail))
        continue
      }
      this.#world.tell(writes, [[own]])
      acknowledge.push(() => resolve([[own]]))
    }
    for (const done of acknowledge) done()
  }
}

function joined(batch: readonly Member[]): Statement {
  const [first] = batch as [Member]
  return { sql: first.statement.sql, params: [`[${batch.map(({ statement }) => elementOf(statement)).join(',')}]`] }
}

/** Without the brackets of the array of one it stands in. */
function elementOf({ params }: Statement): string {
  return String(params[0]).slice(1, -1)
}

/** FNV-1a, for spreading only. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
