import { constants } from 'node:os'

export type InterruptName = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE'

export interface Interrupts {
  /** Aborted by the first interrupt. */
  readonly signal: AbortSignal
  /** What interrupted, or `null`. `SIGPIPE`: nobody reads the output any more, so nothing more is to be said. */
  readonly cause: InterruptName | null
  /** 128 and the signal's number, as shells have it; 0 without an interrupt. */
  readonly exitCode: number
}

/**
 * Turns Ctrl-C, a polite kill, a closed terminal and a closed pipe into one abort, so that the command can end in
 * order. The second of them ends the process at once.
 */
export function listenForInterrupts(process: NodeJS.Process): Interrupts {
  const controller = new AbortController()
  let cause: InterruptName | null = null
  const interrupt = (name: InterruptName) => {
    if (cause !== null && cause !== 'SIGPIPE' && name !== 'SIGPIPE') process.exit(exitCodeOf(name))
    cause ??= name
    controller.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt(name))
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', (error: NodeJS.ErrnoException) => {
      // Nobody reads it any more: a pipe whose reader has gone, a terminal that was closed.
      if (error.code === 'EPIPE' || error.code === 'EIO') return interrupt('SIGPIPE')
      process.stderr.write(`holdfast: the output cannot be written: ${error.message}\n`)
      process.exit(1)
    })
  }
  return {
    signal: controller.signal,
    get cause() {
      return cause
    },
    get exitCode() {
      return cause === null ? 0 : exitCodeOf(cause)
    },
  }
}

function exitCodeOf(name: InterruptName): number {
  return 128 + constants.signals[name]
}
