import { useConnection } from '@holdfast/react'
import { Moment } from '@holdfast/ui'
import { useWorkRights } from './rights.ts'

/** That what is shown stands still, and since when; nothing while it is live. It takes no room of its own. */
export function LiveNote() {
  const { connection, isOffline } = useConnection()
  const { list, follow } = useWorkRights()
  if (list && !follow) return <span>Not live: following changes takes the scope read:operators/queue.</span>
  const isAway = isOffline || connection.state === 'reconnecting' || connection.state === 'error'
  if (!isAway) return null
  return (
    <span className="text-wait" data-testid="stale-list">
      {isOffline ? 'Offline' : 'Not live'}
      {connection.since > 0 && (
        <>
          : as of <Moment at={new Date(connection.since).toISOString()} />
        </>
      )}
      . The work goes on.
    </span>
  )
}
