import { constants } from 'node:os'
import { type Clock, systemClock } from '@holdfast/protocol'

type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP'
export type InterruptName = SignalName | 'SIGPIPE'

export interface Interrupts {
  /** Aborted by the first interrupt. */
  readonly signal: AbortSignal
  /** What interrupted, or `null`. `SIGPIPE`: nobody reads the output any more, so nothing more is to be said. */
  readonly cause: InterruptName | null
  /** 128 and the signal's number, as shells have it; 0 without an interrupt. */
  readonly exitCode: number
}

/** What is used of `process`. */
export interface InterruptedProcess {
  on(name: SignalName, listener: () => void): unknown
  exit(code: number): void
  stdout: { on(name: 'error', listener: (error: Error & { code?: string }) => void): unknown }
  stderr: InterruptedProcess['stdout'] & { write(text: string): unknown }
}

export interface InterruptOptions {
  process: InterruptedProcess
  /** Whether it is an interrupt when nobody reads the output any more; a server goes on. Default `true`. */
  stopsUnread?: boolean
  clock?: Clock
}

// A Ctrl-C reaches every process of the terminal, and npm and our launcher pass theirs on: that is one, not two.
const SAME_WITHIN_MS = 500

/**
 * Turns Ctrl-C, a polite kill, a closed terminal and a closed pipe into one abort, so that the program can end in
 * order. A second one, pressed after it, ends the process at once.
 */
export function listenForInterrupts(options: InterruptOptions): Interrupts {
  const { process, stopsUnread = true, clock = systemClock } = options
  const controller = new AbortController()
  let cause: InterruptName | null = null
  let firstSignalAt: number | null = null
  const interrupt = (name: InterruptName) => {
    cause ??= name
    controller.abort()
  }
  const onSignal = (name: SignalName) => {
    firstSignalAt ??= clock.now()
    if (clock.now() - firstSignalAt >= SAME_WITHIN_MS) process.exit(exitCodeOf(name))
    else interrupt(name)
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => onSignal(name))
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', (error) => {
      if (!stopsUnread) return
      // A pipe whose reader has gone, a terminal that was closed.
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
