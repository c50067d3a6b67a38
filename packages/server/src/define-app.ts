import type { Clock } from '@holdfast/protocol'
import type { FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import type { Database } from './db/database.ts'
import type { Migration } from './db/migrations.ts'
import type { AnyStream, StreamLog } from './log/stream-log.ts'
import type { RunDefinition } from './runs/run.ts'
import type { RunEngine } from './runs/run-engine.ts'
import type { Sessions } from './transport/sessions.ts'

/** What the house offers an app. */
export interface Services {
  db: Database
  log: StreamLog
  runs: RunEngine
  sessions: Sessions
  clock: Clock
  /** Unique, and sorting by the time it was made (UUID version 7). */
  newId: () => string
  logger: Logger
}

/** What an app brings once it knows its services. */
export interface AppParts {
  // biome-ignore lint/suspicious/noExplicitAny: each definition has an input type of its own.
  runs?: RunDefinition<any>[]
  routes?: FastifyPluginAsync
  /** After the runs go: work of the app's own that nobody waits for at the start. */
  started?: () => Promise<void>
  /** After the runs have stopped, before the store closes. */
  close?: () => Promise<void>
}

export interface App {
  name: string
  streams: readonly AnyStream[]
  migrations: readonly Migration[]
  setup: (services: Services) => AppParts | Promise<AppParts>
}

/** Defines an app: its streams, its tables, and what it does with the services it is given. */
export function defineApp(app: App): App {
  return app
}
