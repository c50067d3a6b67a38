import type { Deed } from '../deeds/deed.ts'
import type { Door } from '../doors/door.ts'
import type { StoreStart } from '../server-messages.ts'

/** What a run's servers stand on. */
export const GROUNDS = ['sqlite', 'postgres', 'postgres+redis'] as const
export type GroundName = (typeof GROUNDS)[number]

/** The line of one node to its store, and what can be done to it. */
export interface NodeGround extends AsyncDisposable {
  readonly store: StoreStart
}

/** The store under the servers of a run, in processes of its own where it has any, and the harm that can come to it. */
export interface Ground extends AsyncDisposable {
  readonly name: GroundName
  /** Ways in that pass the servers by. */
  readonly doors: readonly Door[]
  /** Harm that is this store's own, by name. */
  readonly deeds: Readonly<Record<string, Deed>>
  /** The store for one more node, over lines of its own. */
  join(): Promise<NodeGround>
}
