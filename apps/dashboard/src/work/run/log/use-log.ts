import { OFFSET_START } from '@holdfast/protocol'
import { useEffect, useLayoutEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { useWorkApi } from '../../queries.ts'
import type { LogLevel } from '../run-route.ts'
import { type LiveRun, useOnChange } from '../use-live-run.ts'
import { type LogShown, LogWindow } from './log-window.ts'

const PAGE_SIZE = 200
/** New lines are asked for at most this often, ms. */
const READ_EVERY_MS = 300

export interface Log {
  shown: LogShown
  earlier(): void
  later(): void
  openEnd(): void
}

/** A run's log: opened at its end, or around `line`, and kept up with its stream. */
export function useLog({ run, offset, isMute }: LiveRun, level: LogLevel, line: string | undefined): Log {
  const api = useWorkApi()
  // Read when it is asked for: the window outlives many positions.
  const tail = useRef(offset)
  useLayoutEffect(() => {
    tail.current = offset
  })
  const log = useMemo(() => {
    const read = (after: string, signal: AbortSignal) => {
      const from = after === OFFSET_START ? {} : { after }
      return api.log(run.id, { level, limit: PAGE_SIZE, ...from }, signal)
    }
    return new LogWindow({ read, tail: () => tail.current })
  }, [api, run.id, level])
  const shown = useSyncExternalStore(log.subscribe, log.getSnapshot)
  const isReady = offset !== null || isMute
  useEffect(() => {
    if (!isReady || log.getSnapshot().isRead || log.getSnapshot().isReading) return
    void (line === undefined ? log.openEnd() : log.openAt(line))
  }, [log, isReady, line])
  useOnChange(offset, READ_EVERY_MS, () => {
    // Where somebody looks at what was earlier, the end is read when they go there.
    if (!log.getSnapshot().hasLater) void log.later()
  })
  return {
    shown,
    earlier: () => void log.earlier(),
    later: () => void log.later(),
    openEnd: () => void log.openEnd(),
  }
}
