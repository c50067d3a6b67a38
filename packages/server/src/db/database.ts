import type { ErrorCode, Offset } from '@holdfast/protocol'

export type SqlValue = string | number | bigint | null | Uint8Array
export type Row = Record<string, SqlValue>
export type Dialect = 'sqlite' | 'postgres'

/** One SQL statement with `?` for each parameter (adapters number them where their store wants that). */
export interface Statement {
  sql: string
  params: readonly SqlValue[]
  /**
   * How many rows the statement must give (RETURNING, SELECT) or change. Any other number fails the whole commit
   * with `otherwise`. This is how a commit asks a question without a callback: a fence, a unique name, a state.
   */
  expect?: { rows: number; otherwise: ErrorCode; detail?: string }
  /**
   * The statement takes a JSON array, here of one element, and treats each element by itself, in order: the rows of an
   * element say which one it is (`element`, counted from 1; not among what the commit answers), and one that gives no
   * row has changed nothing. So commits of one such statement each may be run as one. Only for what PostgreSQL runs.
   */
  isList?: true
  /** It may take as long as it takes (a migration). Anything else is given up after some seconds. */
  isSlow?: true
}

/** A part of a commit: statements that run in order, and, where they append to a stream, word of that. */
export interface Write {
  statements: readonly Statement[]
  appended?: {
    stream: string
    /** Index of the statement whose one row holds `incarnation` and `tail` after the append. */
    statement: number
    /** The events as stored, so that readers on this node are served without reading them back. */
    events: readonly string[]
    sealed: boolean
  }
  /** The stream is taken away, whose tail was this. */
  removed?: { stream: string; tail: Offset }
  /** The stream whose row the statements lock, where neither of the two above says so. */
  locks?: string
}

/** Told after a commit is on disk: `stream` now ends at `tail`. `events` are the last ones before it, if at hand. */
export interface Committed {
  stream: string
  tail: Offset
  /** Position before the first of `events`; equal to `tail` where there are none. */
  after: Offset
  events: readonly string[]
  sealed: boolean
  /** The stream was deleted or expired: nobody reads it any more. `tail` was its last. */
  removed?: true
}

/** Per write, per statement: the rows it gave. Empty for statements that give none. */
export type CommitResult = Row[][][]

/**
 * The ground: where facts become durable. One way in (`commit`), one way to look (`read`); no transaction is ever
 * held open across an await, so nobody waits for anybody's network.
 */
export interface Database {
  readonly dialect: Dialect
  /**
   * Runs the statements of all writes, whole or not at all, and resolves when they are on disk (fsync). Writes run in
   * the order given, except that those which lock a stream's row may come last, in the order of the streams' names: so two
   * commits that touch the same streams never wait for each other in a circle. Commits of several callers may share
   * one transaction and one fsync; a commit that fails takes none of its neighbours with it. Commits that touch one
   * stream and nothing else take effect in the order of the calls.
   *
   * A store that is out of reach, or takes no writes just now, is waited for, up to a deadline. Rejects with the code
   * of an unmet expectation, CONFLICT for a violated constraint, and, nothing having been written: STORAGE_FULL for a
   * full disk, UNAVAILABLE after `close` and past the deadline. OUTCOME_UNKNOWN where the store was lost before it
   * answered: all of it was written, or nothing.
   */
  commit(writes: readonly Write[]): Promise<CommitResult>
  /**
   * One SELECT. Sees every commit that was acknowledged before the call. Waits for a store that is out of reach, up to
   * a deadline, and then rejects with UNAVAILABLE.
   */
  read<T = Row>(statement: Statement): Promise<T[]>
  /**
   * Hears of every append that this process committed, after it is on disk and before its `commit` resolves. Two
   * commits at once may be told in either order where the store has several writers (PostgreSQL): positions tell.
   * Listeners must not throw. Returns the way to stop listening.
   */
  onCommitted(listener: (committed: readonly Committed[]) => void): () => void
  /** Waits for the commits under way, then lets go of the store. May be called twice. */
  close(): Promise<void>
}

/** A statement, for short. */
export function statement(sql: string, params: readonly SqlValue[] = [], expect?: Statement['expect']): Statement {
  return expect ? { sql, params, expect } : { sql, params }
}

/** A write of plain statements. */
export function write(...statements: Statement[]): Write {
  return { statements }
}
