import type { Random } from '../random.ts'
import type { World } from '../world.ts'

/** A harm that is done to servers, lines or stores; when it resolves the harm is over, its consequences may not be. */
export interface Deed {
  /** How often it is drawn, beside the others. */
  weight: number
  /** Only the store is away meanwhile: nothing is done to servers, nor to their lines to clients. */
  isOutage?: true
  /** Nodes it wants; default 1. */
  nodes?: number
  run(world: World, random: Random): Promise<void>
}

/** By name. */
export type Deeds = Readonly<Record<string, Deed>>
