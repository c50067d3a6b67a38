import { type Database, type Dialect, type Statement, statement, type Write } from '@holdfast/server'

/**
 * Where a process dies: at its `commit`-th commit from now, counted from 1;
 * - `before` it is sent,
 * - `within` its transaction, before its `statement`-th statement, counted from 0,
 * - `durable`: it is on disk, and nobody has been told; no reader, no writer,
 * - `told`: readers may have been told, the writer has not.
 */
export interface WritePoint {
  commit: number
  moment: 'before' | 'within' | 'durable' | 'told'
  statement?: number
}

/** What a commit consisted of, so that its write points can be gone through. */
export interface CommitSeen {
  statements: number
  /** Whether it appends: only of appends is anybody told. */
  appends: boolean
}

export interface Faults {
  /** Dies at this point; counting begins now. `null` takes the order back. */
  killAt(point: WritePoint | null): void
  /** Commits since the last call. */
  seen(): CommitSeen[]
}

// Long enough that the kill comes while it runs; it ends by itself should the kill fail.
const STANDSTILL: Record<Dialect, Statement> = {
  sqlite: statement(
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n',
  ),
  postgres: statement('SELECT 1 AS still FROM pg_sleep(0.5)'),
}
const STANDSTILL_MS = 40

/**
 * A store that ends its process at a chosen write point. In the midst of a transaction the store is held up by a
 * statement that takes long, and the process is killed meanwhile: what stood before it is done and not committed.
 */
export function faultyDatabase(db: Database, kill: () => void): { db: Database; faults: Faults } {
  let point: WritePoint | null = null
  let count = 0
  let commits: CommitSeen[] = []
  let isDue = false
  // Before anybody else listens, so that nobody is told.
  db.onCommitted(() => {
    if (isDue && point?.moment === 'durable') kill()
  })
  const commit: Database['commit'] = async (writes) => {
    count += 1
    commits.push({
      statements: writes.reduce((sum, { statements }) => sum + statements.length, 0),
      appends: writes.some(({ appended }) => appended),
    })
    if (!point || count !== point.commit) return db.commit(writes)
    isDue = true
    if (point.moment === 'before') kill()
    if (point.moment === 'within') {
      setTimeout(kill, STANDSTILL_MS)
      return db.commit(heldUp(writes, point.statement ?? 0, STANDSTILL[db.dialect]))
    }
    const result = await db.commit(writes)
    kill()
    return result
  }
  const faulty: Database = {
    dialect: db.dialect,
    commit,
    read: (asked) => db.read(asked),
    onCommitted: (listener) => db.onCommitted(listener),
    close: () => db.close(),
  }
  return {
    db: faulty,
    faults: {
      killAt(next) {
        point = next
        count = 0
        isDue = false
      },
      seen() {
        const seen = commits
        commits = []
        return seen
      },
    },
  }
}

/** The writes with the standstill before their `at`-th statement. Their result is never seen. */
function heldUp(writes: readonly Write[], at: number, standstill: Statement): Write[] {
  let from = 0
  return writes.map((write) => {
    const place = at - from
    from += write.statements.length
    if (place < 0 || place >= write.statements.length) return write
    return { statements: write.statements.toSpliced(place, 0, standstill) }
  })
}
