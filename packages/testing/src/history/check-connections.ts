import type { Violation } from './check-history.ts'
import type { History } from './history.ts'

/** Whether the server sent readers home for nothing but its store being away. */
export function checkConnections({ connections, outages }: History): Violation[] {
  return connections.flatMap(({ reader, stream, manner, ended }) => {
    if (ended?.by !== 'server') return []
    const outage = outages.find(({ from, to }) => from < ended.at && ended.at < to)
    if (!outage) return []
    const text = `${reader} (${manner}): the server ended the connection while only its store was away`
    return [{ kind: 'sent home' as const, stream, text }]
  })
}
