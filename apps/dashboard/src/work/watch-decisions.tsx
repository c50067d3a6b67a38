import { useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { useWorkNews } from './changes.ts'
import { useDecisionCount } from './decisions/decision-count.ts'
import { workKeys } from './queries.ts'

/** Runs whose status is remembered. */
const KNOWN_MOST = 2_000

/** Keeps the number of runs that wait for a person as the server has it, on every page; shows nothing. */
export default function WatchDecisions() {
  const queries = useQueryClient()
  const count = useDecisionCount()
  const waiting = useRef(new Map<string, boolean>())
  useWorkNews(({ all, runs }) => {
    const known = waiting.current
    let isOther = all
    for (const { id, status } of runs.values()) {
      const waits = status === 'waiting'
      // One that is not known may be among those that were counted.
      isOther ||= waits || (known.get(id) ?? count > 0)
      known.set(id, waits)
    }
    if (known.size > KNOWN_MOST) known.clear()
    return isOther ? queries.invalidateQueries({ queryKey: workKeys.decisions }) : undefined
  })
  return null
}
