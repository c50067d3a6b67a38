/** Before the first test of a project that stands on PostgreSQL: starts one server for all such projects of the run. */
import { allMigrations, migrateUp } from '@holdfast/server'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const root = project.vitest.getRootProject()
  if (root.getProvidedContext().postgres) return
  const server = await startPostgres()
  root.provide('postgres', { admin: server.url, template: await makeTemplate(server.createDatabase) })
  return async () => {
    await server[Symbol.asyncDispose]()
  }
}

/** A database with the tables that every server has: a copy of it is had sooner than they are made. */
async function makeTemplate(createDatabase: () => Promise<string>): Promise<string> {
  const connectionString = await createDatabase()
  const db = openPostgresDatabase({ connectionString })
  await migrateUp(db, allMigrations([]), Date.now())
  await db.close()
  return new URL(connectionString).pathname.slice(1)
}
