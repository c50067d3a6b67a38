import { type Clock, type ErrorCode, isHoldfastError } from '@holdfast/protocol'
import { type Database, statement, type Write, write } from '../db/database.ts'
import type { GarbageCollector } from './garbage.ts'
import type { LastUse } from './last-use.ts'
import type { StreamRemover } from './remove-stream.ts'
import { snapshotIsDue } from './snapshots.ts'
import type { Snapshotter } from './snapshotter.ts'
import type { StreamRegistry } from './stream-registry.ts'
import type { StreamRow } from './streams-table.ts'

const ROUND_MS = 1_000
const FLUSH_MS = 5_000
// Others believe what is written; see LastUse.
const SHARED_FLUSH_MS = 1_000
/** Every stream is looked at this often at most. */
const LAP_MS = 60_000
// What one round does at most, so that rounds stay short whatever has piled up.
const EXPIRED_A_ROUND = 200
const BATCHES_A_ROUND = 50
const ROWS_A_ROUND = 100
const UPDATES_A_COMMIT = 200

interface Parts {
  db: Database
  clock: Clock
  lastUse: LastUse
  remover: StreamRemover
  garbage: GarbageCollector
  snapshotter: Snapshotter
  registry: StreamRegistry
  hasReaders: (stream: string) => boolean
  shared: boolean
  onError: (error: unknown) => void
}

/** A stream and the newest version of a snapshot it has, if any. */
type Look = Pick<StreamRow, 'id' | 'name' | 'tail' | 'head'> & { version: number | null; covered: number | null }

/**
 * What has to happen without anybody asking: expired streams go and their readers are told, last uses are written
 * down, what deleted streams left is removed, snapshots and retention are caught up. One short round a second.
 */
export class Housekeeping {
  readonly #parts: Parts
  #cancel: () => void = () => {}
  #round: Promise<void> = Promise.resolve()
  #opened = false
  #closed = false
  #flushedAt = 0
  #lap = { after: 0, begun: Number.NEGATIVE_INFINITY }

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async open(): Promise<void> {
    const { db } = this.#parts
    const closed = await db.read(statement('SELECT closed_at FROM stream_log_closed LIMIT 1'))
    if (closed.length === 0) await this.#assumeUsed()
    await db.commit([write(OPENED)])
    this.#opened = true
    this.#schedule()
  }

  /** The process before this one was killed: what it had not written down counts as used until now. */
  async #assumeUsed(): Promise<void> {
    const { db, clock } = this.#parts
    const sql = assumeUsed(db.dialect === 'postgres' ? ' FOR UPDATE SKIP LOCKED' : '')
    for (let after = 0; ; ) {
      const [given] = await db.commit([write(statement(sql, [clock.now(), after]))])
      const ids = (given?.[0] ?? []).map(({ id }) => Number(id))
      if (ids.length === 0) return
      after = Math.max(...ids)
    }
  }

  /** Writes the last uses down; the next start goes on exactly where this one ended. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancel()
    await this.#round
    const { db, clock } = this.#parts
    await this.#attempt(async () => {
      await this.#flush()
      // Who never took over from the process before cannot say that nothing of it is missing.
      if (!this.#opened) return
      await db.commit([write(statement('INSERT INTO stream_log_closed (closed_at) VALUES (?)', [clock.now()]))])
    })
  }

  #schedule(): void {
    if (this.#closed) return
    this.#cancel = this.#parts.clock.after(
      ROUND_MS,
      () => {
        this.#round = this.#work().then(() => this.#schedule())
      },
      { keepAlive: false },
    )
  }

  async #work(): Promise<void> {
    const { clock, garbage, shared } = this.#parts
    const flushDue = clock.now() - this.#flushedAt >= (shared ? SHARED_FLUSH_MS : FLUSH_MS)
    await this.#attempt(() => this.#expire())
    if (flushDue) await this.#attempt(() => this.#flush())
    await this.#attempt(() => garbage.releaseSources())
    await this.#attempt(async () => {
      for (let batch = 0; batch < BATCHES_A_ROUND && !this.#closed; batch += 1) {
        if (!(await garbage.collect())) return
      }
    })
    await this.#attempt(() => this.#lookAround())
  }

  /** A store that takes no writes right now is left alone until the next round. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isHoldfastError(error) || !LATER.has(error.code)) this.#parts.onError(error)
    }
  }

  async #expire(): Promise<void> {
    const { db, clock, lastUse, remover, hasReaders } = this.#parts
    // A stream that is read live is used until the moment its last reader leaves, so it is noted ahead of its end.
    const until = clock.now() + 2 * ROUND_MS
    let after = { expires_at: -1, id: -1 }
    for (let seen = 0; seen < EXPIRED_A_ROUND && !this.#closed; ) {
      const rows = await db.read<StreamRow & { expires_at: number }>(
        statement(ENDING, [until, after.expires_at, after.id]),
      )
      for (const row of rows) {
        if (row.ttl !== null && hasReaders(row.name)) lastUse.touch(row.id, row.name, row.ttl)
        else if (lastUse.isExpired(row)) {
          await remover.expire(row)
          seen += 1
        }
        after = row
      }
      if (rows.length < ROWS_A_ROUND) return
      // There may be many that are all in use.
      await new Promise(setImmediate)
    }
  }

  async #flush(): Promise<void> {
    const { db, clock, lastUse } = this.#parts
    this.#flushedAt = clock.now()
    await lastUse.flush(async (deadlines) => {
      const updates = [...deadlines].map(
        ([id, { name, at }]): Write => ({ statements: [statement(USED, [at, id, at])], locks: name }),
      )
      for (let from = 0; from < updates.length; from += UPDATES_A_COMMIT) {
        await db.commit([write(OPENED), ...updates.slice(from, from + UPDATES_A_COMMIT)])
      }
    })
  }

  /** Streams of which nobody spoke: those that grew before a crash, and those that only age. */
  async #lookAround(): Promise<void> {
    const { db, clock, registry, snapshotter } = this.#parts
    if (this.#lap.after === 0 && clock.now() - this.#lap.begun < LAP_MS) return
    if (this.#lap.after === 0) this.#lap.begun = clock.now()
    const rows = await db.read<Look>(statement(AROUND, [this.#lap.after]))
    for (const { name, tail, head, version, covered } of rows) {
      const definition = registry.find(name)
      if (!definition) continue
      const ages = tail - head > 1 && definition.retain
      // One of another version is none for whoever joins now.
      if (ages || snapshotIsDue(version === definition.version ? Number(covered) : 0, tail)) snapshotter.add(name)
    }
    this.#lap.after = rows.length < ROWS_A_ROUND ? 0 : (rows.at(-1)?.id ?? 0)
  }
}

/** What is said of a store that is away or full; each part of a round can be done again. */
const LATER = new Set<ErrorCode>(['STORAGE_FULL', 'UNAVAILABLE', 'OUTCOME_UNKNOWN'])

const OPENED = statement('DELETE FROM stream_log_closed')

const ENDING = `
  SELECT * FROM streams WHERE expires_at <= ? AND deleted = 0 AND (expires_at, id) > (?, ?)
  ORDER BY expires_at, id LIMIT ${ROWS_A_ROUND}`

// A row that somebody writes just now is in use by that; waiting for it might be waiting in a circle.
const assumeUsed = (lock: string) => `
  UPDATE streams SET expires_at = CAST(? AS BIGINT) + ttl * 1000 WHERE id IN (
    SELECT id FROM streams WHERE ttl IS NOT NULL AND deleted = 0 AND id > ? ORDER BY id LIMIT 1000${lock})
  RETURNING id`

const USED = 'UPDATE streams SET expires_at = ? WHERE id = ? AND ttl IS NOT NULL AND expires_at < ?'

const AROUND = `
  SELECT id, name, tail, head, n.version, n.seq AS covered FROM streams
  LEFT JOIN stream_snapshots n ON n.stream_id = id
    AND n.version = (SELECT MAX(version) FROM stream_snapshots WHERE stream_id = id)
  WHERE id > ? AND deleted = 0 ORDER BY id LIMIT ${ROWS_A_ROUND}`
