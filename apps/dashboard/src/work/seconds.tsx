import type { RunSummary } from '@holdfast/protocol/runs'
import { hasEnded } from '@holdfast/protocol/runs'
import { duration, useNow } from '@holdfast/ui'
import { createContext, type ReactNode, useContext } from 'react'
import { ageOf } from './status.tsx'

const Now = createContext(0)

/** One clock for all that counts on in what stands below: only those cells are drawn again, once a second. */
export function Seconds({ isRunning, children }: { isRunning: boolean; children: ReactNode }) {
  return <Now value={useNow(isRunning ? 1_000 : null)}>{children}</Now>
}

/** The time now, Unix ms, as `Seconds` has it. */
export function useSeconds(): number {
  return useContext(Now)
}

/** How long a run took or has been at it; before it began, how long it has been there. */
export function Age({ run }: { run: RunSummary }) {
  const now = useSeconds()
  const { createdAt, startedAt, endedAt, status } = run
  const facts = [
    `Queued ${new Date(createdAt).toLocaleString()}`,
    startedAt && `began ${new Date(startedAt).toLocaleString()}`,
    endedAt && `ended ${new Date(endedAt).toLocaleString()}`,
  ]
  return (
    <span className="whitespace-nowrap" title={facts.filter(Boolean).join(', ')}>
      {hasEnded(status) && startedAt === null ? '–' : duration(ageOf(run, now))}
    </span>
  )
}
