import type { Connection } from '@holdfast/client'
import { useConnection } from '@holdfast/react'
import { Button, Chip, relativeTime, useNow } from '@holdfast/ui'
import { CircleSlash, LoaderCircle, Plug, Radio, WifiOff } from 'lucide-react'

/** How the page is connected: icon, word and colour, and what can be done where it is not. */
export function ConnectionMark() {
  const { worst, error, isOffline, reconnect } = useConnection()
  // What is not there is told by the page itself; the connection is not at fault, and another would not help.
  const isMissing = worst?.state === 'error' && error?.status === 404
  const isGivenUp = worst?.state === 'error' && !isMissing
  return (
    <output data-testid="connection" data-state={worst?.state ?? 'idle'} className="flex items-center gap-2">
      <span title={isGivenUp ? error?.message : undefined} className={isGivenUp ? 'max-sm:hidden' : undefined}>
        <Mark connection={isMissing ? null : worst} isOffline={isOffline} />
      </span>
      {isGivenUp && (
        <Button small icon={Plug} onClick={reconnect} data-testid="reconnect">
          Reconnect
        </Button>
      )}
    </output>
  )
}

interface MarkProps {
  connection: Connection | null
  isOffline: boolean
}

/** The mark alone, as a function of what is known. */
export function Mark({ connection, isOffline }: MarkProps) {
  switch (connection?.state) {
    case 'error':
      return (
        <Chip tone="failed" icon={CircleSlash}>
          Not connected
        </Chip>
      )
    case 'reconnecting':
      return <ReconnectingMark connection={connection} isOffline={isOffline} />
    case 'connecting':
      return (
        <Chip tone="quiet" icon={LoaderCircle}>
          Connecting
        </Chip>
      )
    case 'connected':
      return (
        <Chip tone="done" icon={Radio}>
          Live
        </Chip>
      )
    default:
      return isOffline ? (
        <Chip tone="waiting" icon={WifiOff}>
          Offline
        </Chip>
      ) : null
  }
}

function ReconnectingMark({ connection, isOffline }: { connection: Connection; isOffline: boolean }) {
  const now = useNow(250)
  const { attempt, retryAt, since } = connection
  const when = retryAt === null ? 'now' : `in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`
  return (
    <span title={`Connection lost ${relativeTime(since, now)}. What you see is as of then.`}>
      <Chip tone="waiting" icon={isOffline ? WifiOff : LoaderCircle}>
        <span className="numbers">
          <span className="max-sm:hidden">{isOffline ? 'Offline' : 'Reconnecting'}, </span>
          <span className="max-sm:capitalize">attempt</span> {attempt} {when}
        </span>
      </Chip>
    </span>
  )
}
