/**
 * Before the first test of a project that stands on PostgreSQL: starts one server for all such projects of the run, and
 * a Redis where the project's nodes talk over one.
 */
import { allMigrations, migrateUp } from '@holdfast/server'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'
import { NO_REDIS, redisServer, startRedis } from './redis.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using started = new AsyncDisposableStack()
  const root = project.vitest.getRootProject()
  if (!root.getProvidedContext().postgres) {
    const server = started.use(await startPostgres())
    root.provide('postgres', { admin: server.url, template: await makeTemplate(server.createDatabase) })
  }
  const { ground, needsRedis } = project.getProvidedContext()
  if (ground.redis && (needsRedis || redisServer() !== null)) {
    project.provide('redis', started.use(await startRedis()).url)
  } else if (ground.redis) {
    process.stderr.write(`The project "${project.name}" runs without Redis, over NOTIFY instead: ${NO_REDIS}\n`)
    project.provide('ground', { ...ground, redis: false })
  }
  const running = started.move()
  return () => running.disposeAsync()
}

/** A database with the tables that every server has: a copy of it is had sooner than they are made. */
async function makeTemplate(createDatabase: () => Promise<string>): Promise<string> {
  const connectionString = await createDatabase()
  const db = openPostgresDatabase({ connectionString })
  await migrateUp(db, allMigrations([]), Date.now())
  await db.close()
  return new URL(connectionString).pathname.slice(1)
}
