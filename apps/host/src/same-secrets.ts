import { scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { type Database, statement, write } from '@holdfast/server'
import type { Logger } from 'pino'

const derive = promisify<string, string, number, Buffer>(scrypt)

/**
 * Nodes with other secrets do not know whom the others signed in, and behind a balancer that looks like a sign-in that
 * comes and goes. So each leaves a fingerprint in the store they share, which tells nothing of the secrets (scrypt,
 * salted by the store), and complains where the node started before it left another. The tables must be there.
 */
export async function compareSecrets(db: Database, secrets: readonly string[], logger: Logger): Promise<void> {
  const [store] = await db.read<{ id: string; secrets: string | null }>(
    statement('SELECT id, secrets FROM holdfast_store'),
  )
  if (!store) return
  const own = (await derive(JSON.stringify(secrets), store.id, 16)).toString('hex')
  if (own === store.secrets) return
  await db.commit([write(statement('UPDATE holdfast_store SET secrets = ?', [own]))])
  if (store.secrets === null) return
  logger.warn(
    'OPERATOR_TOKEN or JWT_SECRET is not what it was on the node that was started before this one: ' +
      'as long as nodes differ, what one signs in the others do not know (docs/nodes.md)',
  )
}
