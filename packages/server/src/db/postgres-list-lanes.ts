import { HoldfastError } from '@holdfast/protocol'
import type pg from 'pg'
import type { CommitResult, Row, Statement, Write } from './database.ts'
import { lockedStream } from './lock-order.ts'
import type { Patience } from './patience.ts'
import { isHeldByOthers, outOfReach, translate } from './postgres-errors.ts'
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
  /** One of one connection each, on which nothing waits for a lock for long (`LOCK_MS`). */
  pools: readonly pg.Pool[]
  /** For streams whose rows others hold. */
  aside: pg.Pool
  names: StatementNames
  patience: Patience
  /** Of a commit that is on disk, before it resolves. */
  tell: (writes: readonly Write[], result: CommitResult) => void
}

/** Who finds a row held for so long lets the others of the batch go on. */
export const LOCK_MS = 500

/**
 * Commits that are one list statement each (see `Statement.isList`), gathered: what comes while one batch is under way
 * is the next, one statement and one fsync for all of it. A stream has its lane, so its commits stay in order; within
 * a batch the streams are taken in the order of their names, like everywhere.
 *
 * A row that somebody else holds must not hold up the streams beside it: those of a batch that met one go by themselves
 * from there on, each for as long as anything of it waits.
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

type LaneWorld = Omit<ListLanesOptions, 'pools'> & { pool: pg.Pool }

/** Runs a batch; `null` where a row of it is held by somebody. */
type Way = (statement: Statement) => Promise<Row[] | null>

class Lane {
  readonly #world: LaneWorld
  #queue: Member[] = []
  #isBusy = false
  /** Streams that go by themselves. */
  readonly #aside = new Map<string, Member[]>()

  constructor(world: LaneWorld) {
    this.#world = world
  }

  commit(writes: readonly Write[], stream: string): Promise<CommitResult> {
    const statement = writes[0]?.statements[0] as Statement
    const since = this.#world.patience.now()
    return new Promise((resolve, reject) => {
      const member = { writes, statement, stream, since, resolve, reject }
      const aside = this.#aside.get(stream)
      if (aside) {
        aside.push(member)
        return
      }
      this.#queue.push(member)
      if (this.#isBusy) return
      this.#isBusy = true
      // Not at once: commits made side by side share a batch from the first on.
      queueMicrotask(() => void this.#work())
    })
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) {
      const held = await this.#run(take(this.#queue), this.#inLane)
      if (held.length > 0) this.#setAside(held)
    }
    this.#isBusy = false
  }

  /** With whatever waits behind them, so that each stream stays in order. */
  #setAside(held: readonly Member[]): void {
    const streams = new Map<string, Member[]>(held.map(({ stream }) => [stream, []]))
    const rest: Member[] = []
    for (const member of [...held, ...this.#queue]) (streams.get(member.stream) ?? rest).push(member)
    this.#queue = rest
    for (const [stream, members] of streams) {
      this.#aside.set(stream, members)
      void this.#workAside(stream, members)
    }
  }

  async #workAside(stream: string, members: Member[]): Promise<void> {
    while (members.length > 0) await this.#run(take(members), this.#byItself)
    this.#aside.delete(stream)
  }

  readonly #inLane: Way = async (statement) => {
    const { pool, names } = this.#world
    try {
      const [rows = []] = await transact(pool, names, [statement])
      return rows
    } catch (error) {
      if (isHeldByOthers(error)) return null
      throw error
    }
  }

  // A connection is taken for a moment at a time: there may be many streams like this.
  readonly #byItself: Way = async (statement) => {
    const { aside, names } = this.#world
    const [, rows = []] = await transact(aside, names, [BRIEFLY, statement])
    return rows
  }

  /** Answers those that are left to be done, because somebody holds a row. */
  async #run(batch: readonly Member[], way: Way): Promise<readonly Member[]> {
    let rows: Row[] | null
    try {
      const since = Math.min(...batch.map((member) => member.since))
      rows = await this.#world.patience.insist(() => way(joined(batch)), since)
    } catch (error) {
      return this.#fail(batch, way, translate(error))
    }
    if (rows === null) return batch
    this.#settle(batch, rows)
    return []
  }

  async #fail(batch: readonly Member[], way: Way, failed: HoldfastError): Promise<readonly Member[]> {
    const isOfAll = failed.code === 'UNAVAILABLE' || failed.code === 'OUTCOME_UNKNOWN' || failed.code === 'STORAGE_FULL'
    if (isOfAll || batch.length === 1) {
      for (const { reject } of batch) reject(failed)
      this.#refuseLate(this.#aside.get(batch[0]?.stream ?? '') ?? this.#queue)
      return []
    }
    // One of them cannot be done, and all were undone with it: each by itself, then.
    for (const [index, member] of batch.entries()) {
      if ((await this.#run([member], way)).length > 0) return batch.slice(index)
    }
    return []
  }

  /** Whose time went by while those before them waited in vain. */
  #refuseLate(waiting: Member[]): void {
    const { patience } = this.#world
    while (waiting[0] && patience.isOver(waiting[0].since)) waiting.shift()?.reject(outOfReach())
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

const BRIEFLY: Statement = { sql: `SELECT set_config('lock_timeout', '${LOCK_MS}', true)`, params: [] }

/** Takes those of the first one's text, as many as a batch may hold, and puts them in the order of their streams. */
function take(queue: Member[]): Member[] {
  const sql = queue[0]?.statement.sql
  let length = 0
  const end = queue.findIndex(({ statement }, index) => {
    length += elementOf(statement).length
    return index > 0 && (statement.sql !== sql || index >= BATCH_MEMBERS || length > BATCH_LENGTH)
  })
  const batch = queue.splice(0, end === -1 ? queue.length : end)
  return batch.sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0))
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
