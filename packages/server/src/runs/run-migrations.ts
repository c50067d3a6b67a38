import type { Migration } from '../db/migrations.ts'

/**
 * Whatever is looked for is found through an index that holds only what has not ended, so that no look grows with the
 * history. `lease_until` is in none of them: it changes with every write of an attempt.
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
]
