import { Banner, Moment } from '@holdfast/ui'
import { Cable, WifiOff } from 'lucide-react'
import type { ReactNode } from 'react'
import type { UseIngestionSocket } from '../client.ts'
import { Notice } from './watching/dock.tsx'

/** Of a working ingestion: that the figures stand still, or come in another way, and what works nevertheless. */
export function ConnectionNotice({ live: { connection, status, isOffline } }: { live: UseIngestionSocket }) {
  if (status !== 'working' && status !== 'queued') return null
  if (connection.state === 'degraded') {
    return (
      <Lying testId="degraded">
        <Banner icon={Cable} tone="waiting" title="Live updates come another way.">
          {WORDS[connection.transport ?? 'poll']}
          <Longer> Everything on this page works. The direct way is tried again every 30 s.</Longer>
        </Banner>
      </Lying>
    )
  }
  const isAway = connection.state === 'reconnecting' || connection.state === 'error'
  if (!isAway) return null
  return (
    <Lying testId="stale">
      <Banner
        icon={WifiOff}
        tone="waiting"
        title={
          <>
            {isOffline ? 'This device is offline since' : 'The connection was lost'}{' '}
            {/* It counts on: said once, not every second. */}
            <span aria-live="off">
              <Moment at={new Date(connection.since).toISOString()} />
            </span>
            .
          </>
        }
      >
        The figures are as of then<Longer>; the ingestion does not need this page to go on</Longer>.
      </Banner>
    </Lying>
  )
}

function Lying({ testId, children }: { testId: string; children: ReactNode }) {
  return (
    <Notice label="Connection">
      <div className="text-dense *:rounded-none" data-testid={testId}>
        {children}
      </div>
    </Notice>
  )
}

/** Left out on a phone, where the notice has to fit the room that is free below the page. */
function Longer({ children }: { children: ReactNode }) {
  return <span className="max-sm:hidden">{children}</span>
}

const WORDS = {
  websocket: '',
  sse: 'They are as quick as usual.',
  'long-poll': 'They are asked for, and answered as soon as there is one.',
  poll: 'They are asked for every 2 s.',
}
