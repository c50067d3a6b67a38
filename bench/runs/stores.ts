import { readFileSync } from 'node:fs'
import { startPostgres, type TestPostgres, withPostgres } from '../../packages/testing/src/postgres.ts'
import { describePostgres } from '../cluster/stores.ts'
import { parseStat } from '../measure/process-tree.ts'

/** The PostgreSQL of all contenders that stand on one; each has a database of its own. */
export interface RunStores extends AsyncDisposable {
  postgres: TestPostgres
  /** The process all others of it come from. */
  postgresPid: number
  /** Version and settings, in a sentence. */
  described: string
}

export async function startRunStores(): Promise<RunStores> {
  const stack = new AsyncDisposableStack()
  try {
    const postgres = stack.use(await startPostgres())
    const postgresPid = await postmasterOf(postgres)
    const described = await describePostgres(postgres)
    const all = stack.move()
    return { postgres, postgresPid, described, [Symbol.asyncDispose]: () => all.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/** The parent of whichever process answers: /proc tells it, on Linux. */
function postmasterOf({ url }: TestPostgres): Promise<number> {
  return withPostgres(url, async (client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const pid = rows[0]?.pid ?? 0
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'utf8'))?.parent ?? 0
  })
}
