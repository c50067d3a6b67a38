import type { PhaseName } from '../streams.ts'

/** What people read for a phase. */
export const PHASE_TITLES: Record<PhaseName, string> = {
  discover: 'Discover',
  extract: 'Extract',
  chunk: 'Chunk',
  index: 'Index',
}
