export { createServer, type HoldfastServer } from './create-server.ts'
export {
  type Database,
  type Dialect,
  type Row,
  type SqlValue,
  type Statement,
  statement,
  type Write,
  write,
} from './db/database.ts'
export { type Migration, migrateDown, migrateUp, migrationStatus } from './db/migrations.ts'
export { queryBuilder, toStatement } from './db/query-builder.ts'
export { type App, type AppParts, defineApp, type Services } from './define-app.ts'
export type { Broker } from './hub/broker/broker.ts'
export { createIdGenerator, type IdWorld } from './ids.ts'
export { allMigrations, type ServerOptions } from './kernel.ts'
export type { StreamLog, StreamState } from './log/stream-log.ts'
export { can, demand, type Principal } from './plugins/auth/principal.ts'
export type { ProgressReport } from './runs/progress.ts'
export { DEFAULT_STEP_RETRY, notDone, type RetryPolicy } from './runs/retry-policy.ts'
export {
  type ChildOptions,
  defineRun,
  type Outcome,
  type Run,
  type RunContext,
  type RunDefinition,
  type RunError,
  type Signal,
  type StepContext,
  type StepOptions,
  type WaitOptions,
} from './runs/run.ts'
export type { Decision, Given, RunCommands } from './runs/run-commands.ts'
export type { RunEngine, StartOptions } from './runs/run-engine.ts'
export type { RunLimits } from './runs/run-limits.ts'
export { resolveRead } from './transport/read-request.ts'
export type { Sessions } from './transport/sessions.ts'
export type { SocketEncoding } from './transport/websocket/encodings.ts'
export { textFrames } from './transport/websocket/text-frame.ts'
