import type { Dialect } from '../db/database.ts'
import type { Migration } from '../db/migrations.ts'

/**
 * Whatever is looked for is found through an index that holds only what has not ended, so that no look grows with the
 * history. What changes with every write of an attempt (`lease_until`, `heard_at`) is in none of them.
 */
export const runMigrations: Migration[] = [
  {
    id: 'runs/0001_runs',
    up: () => [
      `CREATE TABLE runs (
         id TEXT PRIMARY KEY,
         name TEXT NOT NULL,
         version BIGINT NOT NULL,
         input TEXT NOT NULL,
         status TEXT NOT NULL,
         stream TEXT NOT NULL,
         attempt BIGINT NOT NULL,
         serial_key TEXT,
         retry_of TEXT,
         root_id TEXT NOT NULL,
         worker TEXT,
         lease_until BIGINT,
         due_at BIGINT NOT NULL,
         crashes BIGINT NOT NULL,
         cancel_requested_at BIGINT,
         created_at BIGINT NOT NULL,
         started_at BIGINT,
         ended_at BIGINT,
         result TEXT,
         error TEXT
       )`,
      "CREATE INDEX runs_queued ON runs (due_at, id) WHERE status = 'queued'",
      "CREATE INDEX runs_working ON runs (worker) WHERE status = 'working'",
      // One run of a key works at a time, whoever claims: the store itself refuses the second.
      "CREATE UNIQUE INDEX runs_serial ON runs (serial_key) WHERE status = 'working'",
      // Who stands first in the line of a key, and who last.
      'CREATE INDEX runs_line ON runs (serial_key, created_at, id) WHERE ended_at IS NULL',
      `CREATE INDEX runs_unwanted ON runs (id) WHERE status = 'queued' AND cancel_requested_at IS NOT NULL`,
      `CREATE TABLE run_steps (
         root_id TEXT NOT NULL,
         step_key TEXT NOT NULL,
         input_hash TEXT NOT NULL,
         output TEXT NOT NULL,
         run_id TEXT NOT NULL,
         attempt BIGINT NOT NULL,
         ended_at BIGINT NOT NULL,
         PRIMARY KEY (root_id, step_key)
       )`,
    ],
    down: () => ['DROP TABLE run_steps', 'DROP TABLE runs'],
  },
  {
    id: 'runs/0002_steering',
    up: (dialect) => [
      ...COLUMNS_ADDED.map((column) => `ALTER TABLE runs ADD COLUMN ${column}`),
      'UPDATE runs SET queue = name, rank = due_at * 1000, heard_at = started_at',
      // What had begun before there was a first in a line finds its place when the engine opens.
      "UPDATE runs SET wake_at = due_at WHERE status = 'queued'",
      'DROP INDEX runs_queued',
      'DROP INDEX runs_unwanted',
      'CREATE INDEX runs_ready ON runs (queue, rank, id) WHERE ready = 1',
      'CREATE INDEX runs_waking ON runs (wake_at, id) WHERE wake_at IS NOT NULL',
      'CREATE INDEX runs_unwanted ON runs (cancel_requested_at, id) WHERE cancel_requested_at > 0 AND ended_at IS NULL',
      "CREATE INDEX runs_of_queue ON runs (queue) WHERE status = 'working'",
      // So many of a queue work at a time, whoever claims: the store itself refuses one more.
      "CREATE UNIQUE INDEX runs_slots ON runs (queue, slot) WHERE status = 'working' AND slot IS NOT NULL",
      'CREATE UNIQUE INDEX runs_dedupe ON runs (name, dedupe_key) WHERE dedupe_key IS NOT NULL',
      'CREATE INDEX runs_children ON runs (parent_id) WHERE parent_id IS NOT NULL',
      "CREATE INDEX runs_children_open ON runs (parent_id) WHERE parent_id > '' AND ended_at IS NULL",
      'CREATE INDEX runs_by_root ON runs (root_id, created_at)',
      // The lists people look at.
      'CREATE INDEX runs_by_time ON runs (created_at, id)',
      'CREATE INDEX runs_by_status ON runs (status, created_at, id)',
      'CREATE INDEX runs_by_name ON runs (name, created_at, id)',
      'CREATE INDEX runs_by_queue ON runs (queue, created_at, id)',
      'CREATE INDEX runs_by_schedule ON runs (schedule_id, created_at, id) WHERE schedule_id IS NOT NULL',
      'CREATE INDEX runs_by_length ON runs ((COALESCE(ended_at - started_at, -1)), id) WHERE ended_at IS NOT NULL',
      "CREATE INDEX runs_failed ON runs (cause, created_at, id, ended_at) WHERE status = 'failed' AND retried_by IS NULL",
      // What a queue's numbers are counted in, besides `runs_ready` and `runs_of_queue`.
      "CREATE INDEX runs_held ON runs (queue, rank, id) WHERE status = 'queued' AND ready = 0",
      "CREATE INDEX runs_waiting_of_queue ON runs (queue) WHERE status = 'waiting'",
      "CREATE INDEX runs_failed_of_queue ON runs (queue) WHERE status = 'failed' AND retried_by IS NULL",
      // Ids that begin so, whatever the collation of the database; SQLite's own index of ids is by bytes.
      ...(dialect === 'postgres' ? ['CREATE INDEX runs_by_id_text ON runs (id text_pattern_ops)'] : []),
      'ALTER TABLE run_steps RENAME TO run_steps_before',
      STEPS,
      `INSERT INTO run_steps (run_id, step_key, root_id, input_hash, status, output, effect, attempt, tries, started_at, ended_at)
       SELECT run_id, step_key, root_id, input_hash, 'done', output, 'idempotent', attempt, 1, ended_at, ended_at
       FROM run_steps_before`,
      'DROP TABLE run_steps_before',
      'CREATE INDEX run_steps_memo ON run_steps (root_id, step_key, input_hash)',
      ...tables(dialect),
    ],
    down: () => [
      'DROP TABLE run_batch_items',
      'DROP TABLE run_batches',
      'DROP TABLE outbox',
      'DROP TABLE run_schedules',
      'DROP TABLE run_worker_kinds',
      'DROP TABLE run_workers',
      'DROP TABLE run_permits',
      'DROP TABLE run_limits',
      'DROP TABLE run_commands',
      'DROP TABLE run_waits',
      'DROP TABLE run_attempts',
      'ALTER TABLE run_steps RENAME TO run_steps_after',
      `CREATE TABLE run_steps (
         root_id TEXT NOT NULL,
         step_key TEXT NOT NULL,
         input_hash TEXT NOT NULL,
         output TEXT NOT NULL,
         run_id TEXT NOT NULL,
         attempt BIGINT NOT NULL,
         ended_at BIGINT NOT NULL,
         PRIMARY KEY (root_id, step_key)
       )`,
      // The newest result of each step, as the table of before has room for one.
      `INSERT INTO run_steps (root_id, step_key, input_hash, output, run_id, attempt, ended_at)
       SELECT s.root_id, s.step_key, s.input_hash, s.output, s.run_id, s.attempt, s.ended_at FROM run_steps_after s
       WHERE s.status = 'done' AND NOT EXISTS (SELECT 1 FROM run_steps_after n WHERE n.root_id = s.root_id
         AND n.step_key = s.step_key AND n.status = 'done'
         AND (n.ended_at > s.ended_at OR (n.ended_at = s.ended_at AND n.run_id > s.run_id)))`,
      'DROP TABLE run_steps_after',
      ...INDEXES_ADDED.map((index) => `DROP INDEX ${index}`),
      'DROP INDEX IF EXISTS runs_by_id_text',
      "UPDATE runs SET status = 'queued' WHERE status = 'waiting'",
      ...COLUMNS_ADDED.map((column) => `ALTER TABLE runs DROP COLUMN ${column.split(' ')[0]}`),
      "CREATE INDEX runs_queued ON runs (due_at, id) WHERE status = 'queued'",
      `CREATE INDEX runs_unwanted ON runs (id) WHERE status = 'queued' AND cancel_requested_at IS NOT NULL`,
    ],
  },
]

const COLUMNS_ADDED = [
  "queue TEXT NOT NULL DEFAULT ''",
  // Seconds by which it goes before what was due at the same time.
  'priority BIGINT NOT NULL DEFAULT 0',
  // The order of a queue, in microseconds: between any two there is room for others.
  'rank BIGINT NOT NULL DEFAULT 0',
  // 1: it may be claimed. It is due, first in the line of its serial key, and nobody paused it.
  'ready SMALLINT NOT NULL DEFAULT 0',
  // When time makes it ready; NULL where something else does.
  'wake_at BIGINT',
  // Its place among those of a queue that may work at the same time; NULL where the queue has no bound.
  'slot BIGINT',
  // What was told last of an attempt's signs of life: working, quiet, stalled; lost until it is claimed again.
  "liveness TEXT NOT NULL DEFAULT 'working'",
  'heard_at BIGINT',
  'lease_ms BIGINT NOT NULL DEFAULT 30000',
  'quiet_ms BIGINT NOT NULL DEFAULT 60000',
  'dedupe_key TEXT',
  'parent_id TEXT',
  'schedule_id TEXT',
  'retried_by TEXT',
  'failures BIGINT NOT NULL DEFAULT 0',
  'cause TEXT',
  'progress TEXT',
  // 1: of a kind that no server of ours carries out; its workers report over HTTP.
  'outside SMALLINT NOT NULL DEFAULT 0',
  'revision BIGINT NOT NULL DEFAULT 0',
  'paused_at BIGINT',
]

const INDEXES_ADDED = [
  'runs_ready',
  'runs_waking',
  'runs_unwanted',
  'runs_of_queue',
  'runs_slots',
  'runs_dedupe',
  'runs_children',
  'runs_children_open',
  'runs_by_root',
  'runs_by_time',
  'runs_by_status',
  'runs_by_name',
  'runs_by_queue',
  'runs_by_schedule',
  'runs_by_length',
  'runs_failed',
  'runs_held',
  'runs_waiting_of_queue',
  'runs_failed_of_queue',
]

/** A finished step is found by (root_id, step_key, input_hash); what a run itself did stands under its own id. */
const STEPS = `CREATE TABLE run_steps (
  run_id TEXT NOT NULL,
  step_key TEXT NOT NULL,
  root_id TEXT NOT NULL,
  input_hash TEXT NOT NULL,
  -- working (an unsafe one that is being done, or one that takes a while), done, failed, unknown.
  status TEXT NOT NULL,
  output TEXT,
  error TEXT,
  effect TEXT NOT NULL,
  provider TEXT,
  attempt BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  -- When the next try of one that failed is due.
  retry_at BIGINT,
  PRIMARY KEY (run_id, step_key)
)`

function tables(dialect: Dialect): string[] {
  const serial =
    dialect === 'sqlite' ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY'
  return [
    `CREATE TABLE run_attempts (
       run_id TEXT NOT NULL,
       attempt BIGINT NOT NULL,
       worker TEXT NOT NULL,
       started_at BIGINT NOT NULL,
       ended_at BIGINT,
       -- working, done, failed, cancelled, waiting, lost, given_back.
       outcome TEXT NOT NULL,
       error TEXT,
       PRIMARY KEY (run_id, attempt)
     )`,
    `CREATE TABLE run_waits (
       run_id TEXT NOT NULL,
       -- The kinds of RunWait.
       kind TEXT NOT NULL,
       name TEXT NOT NULL,
       until BIGINT,
       -- The question, the error: JSON.
       detail TEXT,
       PRIMARY KEY (run_id, kind, name)
     )`,
    'CREATE INDEX run_waits_for ON run_waits (kind, name)',
    // What people and programs told runs; the id is the sender's, so that saying it twice is saying it once.
    `CREATE TABLE run_commands (
       seq ${serial},
       id TEXT NOT NULL UNIQUE,
       run_id TEXT NOT NULL,
       command TEXT NOT NULL,
       -- Of a signal: what it is called.
       name TEXT,
       payload TEXT,
       by_id TEXT NOT NULL,
       at BIGINT NOT NULL,
       -- Of a signal: under which key the run's code took it.
       taken_by TEXT
     )`,
    'CREATE INDEX run_commands_of ON run_commands (run_id, seq)',
    'CREATE INDEX run_commands_waiting ON run_commands (run_id, name, seq) WHERE taken_by IS NULL AND name IS NOT NULL',
    // How much may be done at the same time in a queue (kind queue) or at a provider (kind provider), where that was set.
    `CREATE TABLE run_limits (
       kind TEXT NOT NULL,
       name TEXT NOT NULL,
       paused SMALLINT NOT NULL DEFAULT 0,
       concurrency BIGINT,
       PRIMARY KEY (kind, name)
     )`,
    `CREATE TABLE run_permits (
       provider TEXT NOT NULL,
       -- Counted from 1: nobody has the place of another.
       slot BIGINT NOT NULL,
       run_id TEXT NOT NULL,
       step_key TEXT NOT NULL,
       PRIMARY KEY (provider, slot)
     )`,
    'CREATE INDEX run_permits_of ON run_permits (run_id)',
    // Who is there to work: servers, and programs outside that ask for work.
    `CREATE TABLE run_workers (
       id TEXT PRIMARY KEY,
       outside SMALLINT NOT NULL DEFAULT 0,
       seen_at BIGINT NOT NULL,
       lease_ms BIGINT NOT NULL
     )`,
    `CREATE TABLE run_worker_kinds (
       worker TEXT NOT NULL,
       name TEXT NOT NULL,
       version BIGINT NOT NULL,
       PRIMARY KEY (worker, name, version)
     )`,
    'CREATE INDEX run_workers_of ON run_worker_kinds (name, version)',
    `CREATE TABLE run_schedules (
       id TEXT PRIMARY KEY,
       name TEXT NOT NULL,
       input TEXT NOT NULL,
       cron TEXT NOT NULL,
       timezone TEXT NOT NULL,
       paused SMALLINT NOT NULL DEFAULT 0,
       next_at BIGINT,
       last_run_id TEXT,
       created_at BIGINT NOT NULL
     )`,
    // An action on many runs: a run of the kind `batch` of the same id does it.
    `CREATE TABLE run_batches (
       id TEXT PRIMARY KEY,
       action TEXT NOT NULL,
       priority BIGINT,
       undo_of TEXT,
       by_id TEXT NOT NULL,
       count BIGINT NOT NULL DEFAULT 0,
       done BIGINT NOT NULL DEFAULT 0,
       skipped BIGINT NOT NULL DEFAULT 0,
       created_at BIGINT NOT NULL
     )`,
    `CREATE TABLE run_batch_items (
       batch_id TEXT NOT NULL,
       run_id TEXT NOT NULL,
       -- The priority it had when the batch was begun.
       before BIGINT,
       -- done, skipped; NULL while its turn has not come.
       outcome TEXT,
       PRIMARY KEY (batch_id, run_id)
     )`,
    // A terminal event that somebody may have to be told of. Who, is found out by whoever delivers.
    `CREATE TABLE outbox (
       id ${serial},
       stream TEXT NOT NULL,
       incarnation BIGINT NOT NULL,
       sequence BIGINT NOT NULL,
       created_at BIGINT NOT NULL
     )`,
  ]
}
