import type { CommitSeen, WritePoint } from './faulty-database.ts'

/** What the process of the server is started with. */
export interface ServerStart {
  dataDir: string
  token: string
}

/** What it is told, over the channel between the two processes. */
export type Order =
  /** Opens the store and serves. Until then it has only loaded its code, and waits. */
  | { type: 'begin' }
  | { type: 'kill_at'; point: WritePoint | null }
  /** Answered with `seen`. */
  | { type: 'see' }
  /** The disk has room for what it holds and nothing more, or has room again. Answered with `done`. */
  | { type: 'disk'; full: boolean }
  /** As on SIGTERM. */
  | { type: 'drain' }

/** What it says. */
export type Report = { type: 'ready'; port: number } | { type: 'seen'; commits: CommitSeen[] } | { type: 'done' }
