import { useRunCount } from '../queries.ts'
import { useWorkRights } from '../rights.ts'

/** What a run can wait for that only a person can give it. */
export const FOR_PEOPLE = 'decision,event,parked,version'

/** How many runs wait for a person; 0 until that is known, and where it may not be. */
export function useDecisionCount(): number {
  const { list } = useWorkRights()
  return useRunCount({ status: 'waiting', wait: FOR_PEOPLE }, { enabled: list }).data?.count ?? 0
}
