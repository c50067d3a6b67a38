import { RequestError } from '@holdfast/client'
import { Chip, CopyButton, duration, Failure, Skeleton } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'
import { Check, CircleAlert } from 'lucide-react'
import { pageBuild } from '../page-version.ts'

interface Health {
  status: 'ok' | 'degraded'
  /** Seconds. */
  uptime: number
  checks: Record<string, { status: 'ok' | 'failed'; latencyMs?: number }>
}

/** What runs here: its version, since when, and whether all of it is well. */
export function About() {
  const health = useQuery({ queryKey: ['health'], queryFn: readHealth, staleTime: 0 })
  return (
    <section className="rounded-md border border-line bg-raised" data-testid="about">
      <h2 className="border-b border-line px-cell-x py-2 font-medium">About</h2>
      {health.isError && (
        <Failure title="The server's health could not be read" error={health.error} onRetry={() => health.refetch()} />
      )}
      <dl className="grid grid-cols-[8rem_1fr] items-center gap-y-2 px-cell-x py-3">
        <dt className="text-ink-2">Version</dt>
        <dd className="numbers font-mono text-dense">{import.meta.env.HOLDFAST_VERSION}</dd>
        <dt className="text-ink-2">Page</dt>
        <dd className="flex items-center gap-1 font-mono text-dense">
          <span className="min-w-0 truncate">{pageBuild()}</span>
          <CopyButton text={`${import.meta.env.HOLDFAST_VERSION} ${pageBuild()}`} label="Copy version and build" />
        </dd>
        <dt className="text-ink-2">Up for</dt>
        <dd className="numbers">{health.data ? duration(health.data.uptime * 1000) : <Skeleton className="w-20" />}</dd>
        {Object.entries(health.data?.checks ?? {}).map(([name, { status, latencyMs }]) => (
          <div key={name} className="contents">
            <dt className="text-ink-2 first-letter:uppercase">{name}</dt>
            <dd className="numbers flex items-center gap-2">
              {status === 'ok' ? (
                <Chip tone="done" icon={Check}>
                  Well
                </Chip>
              ) : (
                <Chip tone="failed" icon={CircleAlert}>
                  Failed
                </Chip>
              )}
              {latencyMs !== undefined && <span className="text-dense text-ink-3">{latencyMs} ms</span>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** Also with the status 503 it says what is not well. */
async function readHealth({ signal }: { signal: AbortSignal }): Promise<Health> {
  const answer = await fetch('/health', { signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw RequestError.unreachable(cause)
  })
  const text = await answer.text()
  if (!answer.ok && answer.status !== 503) throw RequestError.fromBody(answer.status, text)
  return JSON.parse(text) as Health
}
