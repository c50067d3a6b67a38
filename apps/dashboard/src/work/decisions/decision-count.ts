import { useRunCount } from '../queries.ts'
import { useWorkRights } from '../rights.ts'

/** Runs that wait for something only a person can give. */
export const FOR_PEOPLE = { status: 'waiting', wait: 'person' }

/** How many runs wait for a person; 0 until that is known, and where it may not be. */
export function useDecisionCount(): number {
  const { list } = useWorkRights()
  return useRunCount(FOR_PEOPLE, { enabled: list }).data?.count ?? 0
}
