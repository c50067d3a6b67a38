import type { Clock } from '@holdfast/protocol'
import { type Database, type SqlValue, statement, write } from '../../db/database.ts'
import type { Command } from '../../hub/broker/broker.ts'
import type { Credential } from '../../transport/credential.ts'

export interface RevocationsOptions {
  db: Database
  clock: Clock
  /** Tells the other nodes, where there are any. */
  tell: (command: Command) => void
  /** Credentials count no more that did. */
  onRevoked: () => void
  /** The table could not be read just now; it is read again. */
  onError: (error: unknown) => void
}

// However many commands are lost, no node lets a void session in for longer.
const CHECK_MS = 3_000
// Two nodes may write at once, and the later moment be seen first.
const OVERLAP_MS = 300_000
// Twice as long as a session lasts: the clocks of the nodes and the store's may differ.
const KEPT_MS = 60 * 24 * 3600 * 1000

interface Revocation {
  principal: string
  not_before: number
}

/**
 * Who signed out everywhere, and when. Each session cookie says when it began, on the store's clock as these moments
 * are; one that began before its principal's moment is nobody's. Every node knows all moments by heart, hears of new
 * ones from the others, and looks at the table itself every few seconds.
 */
export class Revocations {
  readonly #options: RevocationsOptions
  readonly #notBefore = new Map<string, number>()
  #newest = 0
  #reading: Promise<void> | null = null
  #again = false
  #cancelCheck = () => {}
  #closed = false

  constructor(options: RevocationsOptions) {
    this.#options = options
  }

  /** Learns what there is. `watch`: there are other nodes, so look again every few seconds. */
  async open({ watch }: { watch: boolean }): Promise<void> {
    await this.#read()
    if (watch) this.#scheduleCheck()
  }

  /** Whether the session began too early; tokens have a life of their own. */
  isVoid({ principal, signedInAt }: Credential): boolean {
    return signedInAt !== null && signedInAt <= (this.#notBefore.get(principal) ?? 0)
  }

  /** The moment a session that begins now is to name. */
  async signIn(principal: string): Promise<number> {
    const [now, ...params] = this.#now
    const [row] = await this.#options.db.read<{ now: number; not_before: number | null }>(
      statement(
        `SELECT ${now} AS now, (SELECT not_before FROM session_revocations WHERE principal = ?) AS not_before`,
        [...params, principal],
      ),
    )
    return Math.max(Number(row?.now), Number(row?.not_before ?? 0) + 1)
  }

  /** Makes every session of the principal that has begun nobody's, on every node. Durable when it resolves. */
  async revoke(principal: string): Promise<void> {
    const { db, tell } = this.#options
    const [now, ...params] = this.#now
    const [rows] = await db.commit([
      write(
        // What has expired by itself need not be remembered.
        statement(`DELETE FROM session_revocations WHERE not_before < ${now} - ?`, [...params, KEPT_MS]),
        statement(
          // A session may have begun a moment after the last one; see signIn.
          `INSERT INTO session_revocations (principal, not_before) VALUES (?, ${now})
           ON CONFLICT (principal) DO UPDATE SET not_before = CASE
             WHEN excluded.not_before > session_revocations.not_before THEN excluded.not_before
             ELSE session_revocations.not_before + 1 END
           RETURNING principal, not_before`,
          [principal, ...params],
        ),
      ),
    ])
    this.#learn(rows?.[1] as unknown as Revocation[])
    tell({ type: 'session_revoke', principal })
  }

  /** What another node told. */
  hear(command: Command): void {
    if (command.type === 'session_revoke') void this.#look()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelCheck()
    await this.#reading
  }

  #scheduleCheck(): void {
    if (this.#closed) return
    const again = () => void this.#look().then(() => this.#scheduleCheck())
    this.#cancelCheck = this.#options.clock.after(CHECK_MS, again, { keepAlive: false })
  }

  /** Reads the table, once more where one is at it already: that may have read too early. */
  #look(): Promise<void> {
    if (this.#reading) this.#again = true
    this.#reading ??= this.#readAll()
    return this.#reading
  }

  async #readAll(): Promise<void> {
    try {
      do {
        this.#again = false
        await this.#read()
      } while (this.#again && !this.#closed)
    } catch (error) {
      this.#options.onError(error)
    }
    this.#reading = null
  }

  async #read(): Promise<void> {
    const since = this.#newest - OVERLAP_MS
    this.#learn(
      await this.#options.db.read<Revocation>(
        statement('SELECT principal, not_before FROM session_revocations WHERE not_before > ?', [since]),
      ),
    )
  }

  #learn(revocations: readonly Revocation[]): void {
    const news = revocations.filter(({ principal, not_before }) => not_before > (this.#notBefore.get(principal) ?? 0))
    if (news.length === 0) return
    for (const { principal, not_before } of news) {
      this.#notBefore.set(principal, not_before)
      this.#newest = Math.max(this.#newest, not_before)
    }
    for (const [principal, notBefore] of this.#notBefore) {
      if (notBefore < this.#newest - KEPT_MS) this.#notBefore.delete(principal)
    }
    this.#options.onRevoked()
  }

  /** The store's clock, in SQL, and what that needs. */
  get #now(): readonly [sql: string, ...params: SqlValue[]] {
    const { db, clock } = this.#options
    return db.dialect === 'postgres' ? ['holdfast_now()'] : ['CAST(? AS BIGINT)', clock.now()]
  }
}
