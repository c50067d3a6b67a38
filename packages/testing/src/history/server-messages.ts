import type { CommitSeen, WritePoint } from './faulty-database.ts'

/** What a server is told of its store. */
export type StoreStart =
  | { type: 'sqlite' }
  /** Without `redis` word between the nodes goes over PostgreSQL. */
  | { type: 'postgres'; connectionString: string; redis: string | null }

/**
 * A broken promise, to see that the checker finds it: some commits are told to have failed, some step of a run is
 * written without its fence, readers are sent home when the store is away.
 */
export type Lie = 'unavailable after commit' | 'fenced attempts write' | 'outages end connections'

/** What the process of a server is started with. */
export interface ServerStart {
  /** The node's own. */
  dataDir: string
  /** Where what was compiled is kept, for every life of every node. */
  compiledDir: string
  node: string
  token: string
  store: StoreStart
  leaseMs: number
  lie: Lie | null
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
