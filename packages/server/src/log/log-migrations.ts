import type { Migration } from '../db/migrations.ts'

/**
 * `streams.id` is the incarnation: one sequence for all streams, never reused (AUTOINCREMENT, identity), so a
 * name that is deleted and made again never continues its old offsets.
 */
export const logMigrations: Migration[] = [
  {
    id: 'log/0001_streams',
    up: (dialect) => [
      `CREATE TABLE streams (
         id ${dialect === 'sqlite' ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY'},
         name TEXT NOT NULL UNIQUE,
         tail BIGINT NOT NULL,
         sealed SMALLINT NOT NULL DEFAULT 0
       )`,
      `CREATE TABLE events (
         stream_id BIGINT NOT NULL,
         seq BIGINT NOT NULL,
         data TEXT NOT NULL,
         PRIMARY KEY (stream_id, seq)
       )${dialect === 'sqlite' ? ' WITHOUT ROWID' : ''}`,
      `CREATE TABLE stream_snapshots (
         stream_id BIGINT NOT NULL,
         version BIGINT NOT NULL,
         seq BIGINT NOT NULL,
         state TEXT NOT NULL,
         PRIMARY KEY (stream_id, version)
       )`,
    ],
    down: () => ['DROP TABLE stream_snapshots', 'DROP TABLE events', 'DROP TABLE streams'],
  },
]
