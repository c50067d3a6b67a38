import type { Clock } from '@holdfast/protocol'
import type { Database } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import type { Run } from './run.ts'
import type { RunWord } from './words.ts'

export interface RunEngineOptions {
  db: Database
  log: StreamLog
  /** Measures waiting. Also the time of leases and due times where the store has no clock of its own (SQLite). */
  clock: Clock
  /** Names this process in the run rows; no other process, of now or before, has the same. */
  worker: string
  newId: () => string
  /** Evenly spread from 0 to below 1; for the jitter of retries. Default `Math.random`. */
  random?: () => number
  /** Runs at the same time on this node. Default 100: they mostly wait for workers, disks and networks. */
  concurrency?: number
  /** How long an attempt may go without a sign of life before others may take it over. Default 30,000 ms. */
  leaseMs?: number
  /** This process alone uses the store: whatever was working when it starts has died. */
  exclusive: boolean
  /** Tells the other nodes on the store, which `hear` it. Must not throw. Absent where there are none. */
  tell?: (word: RunWord) => void
  /** Told of errors nobody waits for: a run's failure, a claim that failed. */
  onError: (error: unknown, run: Run | null) => void
}
