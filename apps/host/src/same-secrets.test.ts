import { allMigrations, migrateUp } from '@holdfast/server'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import { startPostgres } from '@holdfast/testing'
import pino from 'pino'
import { expect, it } from 'vitest'
import { compareSecrets } from './same-secrets.ts'

it('[HOST20] a node whose secrets are not those of the node before it says so, and tells nobody what they are', async () => {
  await using postgres = await startPostgres()
  const db = openPostgresDatabase({ connectionString: await postgres.createDatabase() })
  await migrateUp(db, allMigrations([]), 0)
  const lines: string[] = []
  const logger = pino({}, { write: (line) => void lines.push(line) })
  const starts: [secrets: string[], complaints: number][] = [
    [['token', 'secret'], 0],
    [['token', 'secret'], 0],
    [['token', 'another'], 1],
    [['token', 'another'], 1],
    [['token,another'], 2],
  ]
  for (const [secrets, complaints] of starts) {
    await compareSecrets(db, secrets, logger)
    expect([secrets, lines.length]).toEqual([secrets, complaints])
  }
  const [row] = await db.read<{ secrets: string }>({ sql: 'SELECT secrets FROM holdfast_store', params: [] })
  expect(row?.secrets).toMatch(/^[0-9a-f]{32}$/)
  expect(lines.join()).not.toMatch(/another|"token|secret"/)
  await db.close()
})
