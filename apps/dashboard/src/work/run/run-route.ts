import { useNavigate, useParams, useSearch } from '@tanstack/react-router'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What stands in a run's address beside the run. */
export interface RunSearch {
  /** The step whose details are open. */
  step: string | undefined
  /** The position of a line of the log. */
  line: string | undefined
  /** Lines of this level and above. Absent: `info`. */
  level: LogLevel | undefined
  /** Parts that are folded otherwise than at first. */
  steps: 'closed' | undefined
  log: 'closed' | undefined
  data: 'open' | undefined
}

/** The id in the address, what is chosen on the page, and the way to choose (kept in the address). */
export function useRunRoute() {
  const { runId = '' } = useParams({ strict: false }) as { runId?: string }
  const given = useSearch({ strict: false }) as Record<string, string | undefined>
  const navigate = useNavigate()
  const search: RunSearch = {
    step: given.step || undefined,
    line: given.line || undefined,
    level: LOG_LEVELS.find((level) => level === given.level),
    steps: given.steps === 'closed' ? 'closed' : undefined,
    log: given.log === 'closed' ? 'closed' : undefined,
    data: given.data === 'open' ? 'open' : undefined,
  }
  /** Changes part of the address, in its place in the history. */
  const choose = (change: Partial<RunSearch>) => {
    const next = { ...search, ...change }
    void navigate({ to: '/work/$runId', params: { runId }, search: next, replace: true, resetScroll: false })
  }
  return { runId, search, choose }
}
