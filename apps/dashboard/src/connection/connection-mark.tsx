import { Button, Chip, CopyButton, Popover, useNow } from '@holdfast/ui'
import { CircleDashed, CircleSlash, LoaderCircle, type LucideIcon, Plug, Radio, RefreshCw, WifiOff } from 'lucide-react'
import type { ComponentProps } from 'react'
import { type ConnectionFacts, connectionDetails, describeConnection } from './describe-connection.ts'
import { useConnectionFacts } from './use-connection-facts.ts'

/** How the page is connected: icon, word and colour; pressed, the details and what can be done. */
export function ConnectionMark() {
  const { reconnect, ...facts } = useConnectionFacts()
  const now = useNow(facts.connection.state === 'reconnecting' ? 250 : null)
  const { look, word } = describeConnection(facts, now)
  return (
    <>
      <div data-testid="connection" data-state={facts.connection.state} className="flex items-center gap-2">
        <Popover
          label="Connection"
          trigger={
            <MarkButton
              facts={facts}
              now={now}
              className={look === 'given-up' ? 'max-sm:hidden' : look === 'idle' ? 'max-sm:sr-only' : undefined}
            />
          }
        >
          {(close) => (
            <ConnectionPanel
              facts={facts}
              onReconnect={() => {
                close()
                reconnect()
              }}
            />
          )}
        </Popover>
        {look === 'given-up' && (
          <Button small icon={Plug} onClick={reconnect} data-testid="reconnect">
            Reconnect
          </Button>
        )}
      </div>
      {/* Said once a change, not once a second. */}
      <output className="sr-only">{look === 'idle' ? '' : word}</output>
    </>
  )
}

type MarkButtonProps = { facts: ConnectionFacts; now: number } & ComponentProps<'button'>

function MarkButton({ facts, now, className = '', ...rest }: MarkButtonProps) {
  return (
    <button
      type="button"
      className={`inline-flex h-8 items-center rounded-md px-0.5 hover:bg-sunken pointer-coarse:h-10 pointer-coarse:px-1 ${className}`}
      {...rest}
    >
      <Mark facts={facts} now={now} />
    </button>
  )
}

const ICONS: Record<ReturnType<typeof describeConnection>['look'], LucideIcon> = {
  live: Radio,
  connecting: LoaderCircle,
  reconnecting: LoaderCircle,
  degraded: RefreshCw,
  offline: WifiOff,
  'given-up': CircleSlash,
  idle: CircleDashed,
}

/** The mark alone, as a function of what is known. */
export function Mark({ facts, now }: { facts: ConnectionFacts; now: number }) {
  const { look, tone, word, detail } = describeConnection(facts, now)
  return (
    <Chip tone={tone} icon={ICONS[look]}>
      {detail ? <WordAndDetail word={word} detail={detail} isDetailMore={look === 'reconnecting'} /> : word}
    </Chip>
  )
}

/** Both, and where there is little room the one that says more. */
function WordAndDetail({ word, detail, isDetailMore }: { word: string; detail: string; isDetailMore: boolean }) {
  return isDetailMore ? (
    <span className="numbers">
      <span className="max-sm:hidden">
        {word}, {detail}
      </span>
      <span className="sm:hidden">{detail.charAt(0).toUpperCase() + detail.slice(1)}</span>
    </span>
  ) : (
    <span className="numbers">
      {word}
      <span className="max-sm:hidden">, {detail}</span>
    </span>
  )
}

/** What it means, the facts behind it, and the way to try again. */
export function ConnectionPanel({ facts, onReconnect }: { facts: ConnectionFacts; onReconnect(): void }) {
  const now = useNow(1000)
  const { word, meaning, canReconnect } = describeConnection(facts, now)
  const { error } = facts
  return (
    <div className="flex flex-col gap-3" data-testid="connection-details">
      <div>
        <p className="font-medium">{word}</p>
        <p className="text-ink-2">{meaning}</p>
      </div>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-dense">
        {connectionDetails(facts).map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-ink-3">{name}</dt>
            <dd className="numbers text-right">{value}</dd>
          </div>
        ))}
      </dl>
      {error && (
        <p className="border-t border-line pt-2 text-dense">
          <span className="text-ink-3">Last error: </span>
          {error.message} <span className="font-mono text-small text-ink-3">{error.code}</span>
          {error.requestId && (
            <span className="flex items-center gap-1 font-mono text-small text-ink-3">
              <span className="min-w-0 truncate">{error.requestId}</span>
              <CopyButton text={error.requestId} label="Copy the request id" />
            </span>
          )}
        </p>
      )}
      {canReconnect && (
        <Button icon={Plug} onClick={onReconnect}>
          Reconnect now
        </Button>
      )}
    </div>
  )
}
