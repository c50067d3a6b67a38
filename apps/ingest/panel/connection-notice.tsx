import { Banner, Moment } from '@holdfast/ui'
import { Cable, WifiOff } from 'lucide-react'
import type { UseIngestionSocket } from '../client.ts'

/** Of a working ingestion: that the figures stand still, or come in another way, and what works nevertheless. */
export function ConnectionNotice({ live: { connection, status, isOffline } }: { live: UseIngestionSocket }) {
  if (status !== 'working' && status !== 'queued') return null
  if (connection.state === 'degraded') {
    return (
      <div className="mb-3" data-testid="degraded">
        <Banner icon={Cable} tone="waiting" title="Live updates come another way.">
          {WORDS[connection.transport ?? 'poll']} Everything on this page works. The direct way is tried again every 30
          s.
        </Banner>
      </div>
    )
  }
  const isAway = connection.state === 'reconnecting' || connection.state === 'error'
  if (!isAway) return null
  return (
    <div className="mb-3" data-testid="stale">
      <Banner
        icon={WifiOff}
        tone="waiting"
        title={
          <>
            {isOffline ? 'This device is offline since' : 'The connection was lost'}{' '}
            <Moment at={new Date(connection.since).toISOString()} />.
          </>
        }
      >
        The figures are as of then; the ingestion does not need this page to go on.
      </Banner>
    </div>
  )
}

const WORDS = {
  websocket: '',
  sse: 'They are as quick as usual.',
  'long-poll': 'They are asked for, and answered as soon as there is one.',
  poll: 'They are asked for every 2 s.',
}
