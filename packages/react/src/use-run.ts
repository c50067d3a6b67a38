import type { StreamSnapshot } from '@holdfast/client'
import { type RunState, runStream } from '@holdfast/protocol/runs'
import { useMemo } from 'react'
import { type RunCommands, runCommands } from './run-commands.ts'
import { useStreamClient } from './stream-provider.ts'
import { type UseStreamOptions, useStream } from './use-stream.ts'

export interface UseRun extends StreamSnapshot<RunState>, RunCommands {
  /** Tries to connect now, also after it was given up. */
  reconnect(): void
}

/**
 * One run, as its stream tells it, and the commands it takes: live on every device that shows it, through reloads and
 * restarts. What a command changes is shown when the run's stream tells of it. `onComplete` is called once, when the run
 * has ended. The commands stay the same functions as long as the run is the same.
 *
 * ```ts
 * const { state, cancel } = useRun(id)
 * return <button onClick={cancel} disabled={hasEnded(state.status)}>Cancel</button>
 * ```
 */
export function useRun(id: string, options: UseStreamOptions<RunState> = {}): UseRun {
  const client = useStreamClient()
  const { state, offset, connection, error, reconnect } = useStream(runStream, { id }, options)
  const commands = useMemo(() => runCommands(client, id), [client, id])
  return { state, offset, connection, error, reconnect, ...commands }
}
