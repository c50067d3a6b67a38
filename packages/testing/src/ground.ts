import { inject } from 'vitest'

/** What the servers of a test stand on. */
export interface Ground {
  /** `memory` and `sqlite` (a file) are SQLite. */
  store: 'memory' | 'sqlite' | 'postgres'
  /** Servers on the one store; more than one only on PostgreSQL. */
  nodes: number
  /** Word between the nodes goes over Redis; otherwise over NOTIFY of PostgreSQL. */
  redis: boolean
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The ground of this project of vitest.config.ts. */
    ground: Ground
    /** A ground with Redis fails where there is none; otherwise it does without, and says so. */
    needsRedis: boolean
    /** The PostgreSQL of this run: a connection string to make databases by, and the name of one to make them of. */
    postgres: { admin: string; template: string }
    /** The URL of the Redis of this run. */
    redis: string
  }
}

const MEMORY: Ground = { store: 'memory', nodes: 1, redis: false }

/** The ground that this run of the suite is about. */
export function projectGround(): Ground {
  return inject('ground') ?? MEMORY
}

/** A ground by its parts: the project's, or where a store is named that one alone on a single server. */
export function groundOf({ store, ...rest }: Partial<Ground>): Ground {
  const base = store === undefined ? projectGround() : { ...MEMORY, store }
  const ground = { ...base, ...rest }
  if (ground.nodes > 1 && ground.store !== 'postgres') throw new RangeError('several nodes stand on PostgreSQL only')
  return ground
}
