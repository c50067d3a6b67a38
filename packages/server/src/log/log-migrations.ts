import type { Migration } from '../db/migrations.ts'
import { CREATE_FUNCTIONS, DROP_FUNCTIONS } from './postgres-functions.ts'

/**
 * `streams.id` is the incarnation: one sequence for all streams, never reused (AUTOINCREMENT, identity), so a
 * name that is deleted and made again never continues its old offsets.
 *
 * `stream_lineage` is flat: a fork of a fork has a row for every stream its history goes back to, oldest id first,
 * each holding the events up to its `up_to` that no older one holds.
 */
export const logMigrations: Migration[] = [
  {
    id: 'log/0001_streams',
    up: (dialect) => [
      `CREATE TABLE streams (
         id ${dialect === 'sqlite' ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY'},
         name TEXT NOT NULL UNIQUE,
         tail BIGINT NOT NULL,
         -- What was before this is no longer kept.
         head BIGINT NOT NULL DEFAULT 0,
         -- UTF-8, of the events of its own that are kept.
         bytes BIGINT NOT NULL DEFAULT 0,
         sealed SMALLINT NOT NULL DEFAULT 0,
         -- Kept for its forks alone.
         deleted SMALLINT NOT NULL DEFAULT 0,
         content_type TEXT NOT NULL DEFAULT 'application/json',
         media_type TEXT NOT NULL DEFAULT 'application/json',
         ttl BIGINT,
         -- With a ttl, as of the last use that was written down.
         expires_at BIGINT,
         last_seq TEXT ${dialect === 'sqlite' ? '' : 'COLLATE "C"'},
         closed_producer TEXT,
         closed_epoch BIGINT,
         closed_seq BIGINT,
         -- What it was forked as; compared when it is made again.
         source_id BIGINT,
         source_name TEXT,
         source_seq BIGINT,
         source_sub BIGINT,
         inherits_expiry SMALLINT NOT NULL DEFAULT 0
       )${dialect === 'sqlite' ? '' : /* A tail moves all the time: room for it beside its row. */ ' WITH (fillfactor = 50)'}`,
      'CREATE INDEX streams_by_expiry ON streams (expires_at) WHERE expires_at IS NOT NULL',
      'CREATE INDEX streams_deleted ON streams (id) WHERE deleted = 1',
      `CREATE TABLE events (
         stream_id BIGINT NOT NULL,
         seq BIGINT NOT NULL,
         data TEXT NOT NULL,
         PRIMARY KEY (stream_id, seq)
       )${dialect === 'sqlite' ? ' WITHOUT ROWID' : ''}`,
      `CREATE TABLE stream_producers (
         stream_id BIGINT NOT NULL,
         producer TEXT NOT NULL,
         epoch BIGINT NOT NULL,
         seq BIGINT NOT NULL,
         PRIMARY KEY (stream_id, producer)
       )${dialect === 'sqlite' ? ' WITHOUT ROWID' : ''}`,
      `CREATE TABLE stream_lineage (
         stream_id BIGINT NOT NULL,
         source_id BIGINT NOT NULL,
         up_to BIGINT NOT NULL,
         PRIMARY KEY (stream_id, source_id)
       )${dialect === 'sqlite' ? ' WITHOUT ROWID' : ''}`,
      'CREATE INDEX stream_lineage_by_source ON stream_lineage (source_id)',
      `CREATE TABLE stream_snapshots (
         stream_id BIGINT NOT NULL,
         version BIGINT NOT NULL,
         seq BIGINT NOT NULL,
         state TEXT NOT NULL,
         PRIMARY KEY (stream_id, version)
       )`,
      // Deleted for good; their events go in the background, a batch at a time.
      'CREATE TABLE stream_garbage (stream_id BIGINT PRIMARY KEY)',
      // One row after an orderly end, none while a process is at work or after it was killed.
      'CREATE TABLE stream_log_closed (closed_at BIGINT NOT NULL)',
      ...(dialect === 'sqlite' ? [] : CREATE_FUNCTIONS),
    ],
    down: (dialect) => [
      ...(dialect === 'sqlite' ? [] : DROP_FUNCTIONS),
      'DROP TABLE stream_log_closed',
      'DROP TABLE stream_garbage',
      'DROP TABLE stream_snapshots',
      'DROP TABLE stream_lineage',
      'DROP TABLE stream_producers',
      'DROP TABLE events',
      'DROP TABLE streams',
    ],
  },
]
