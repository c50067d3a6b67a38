import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useWorkApi, workKeys } from '../queries.ts'
import { useWorkRights } from '../rights.ts'

/** Runs that wait for something only a person can give. */
export const FOR_PEOPLE = { status: 'waiting', wait: 'person' }

/** How many runs wait for a person; 0 until that is known, and where it may not be. Kept up by `WatchDecisions`. */
export function useDecisionCount(): number {
  const api = useWorkApi()
  const { list } = useWorkRights()
  const { data } = useQuery({
    queryKey: workKeys.decisions,
    queryFn: ({ signal }) => api.count(FOR_PEOPLE, signal),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    enabled: list,
  })
  return data?.count ?? 0
}
