import type { Migration } from '../../db/migrations.ts'

export const authMigrations: Migration[] = [
  {
    id: 'auth/0001_revocations',
    up: () => [
      // Sessions of the principal that began up to that moment count no more.
      `CREATE TABLE session_revocations (
         principal TEXT PRIMARY KEY,
         not_before BIGINT NOT NULL
       )`,
      'CREATE INDEX session_revocations_newest ON session_revocations (not_before)',
    ],
    down: () => ['DROP TABLE session_revocations'],
  },
]
