import type { Migration } from '../db/migrations.ts'

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
      'CREATE INDEX runs_due ON runs (status, due_at, id)',
      // One run of a key works at a time, whoever claims: the store itself refuses the second.
      "CREATE UNIQUE INDEX runs_serial ON runs (serial_key) WHERE status = 'working'",
      // Who stands first in the line of a key.
      "CREATE INDEX runs_waiting ON runs (serial_key, created_at, id) WHERE status = 'queued'",
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
