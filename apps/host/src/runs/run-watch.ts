import { RequestError, request } from '@holdfast/client'
import { type EventBase, OFFSET_START, type Offset, systemClock } from '@holdfast/protocol'
import { hasEnded, type RunDetails, type RunEvent, type RunState, runStream } from '@holdfast/protocol/runs'
import { readCommandLine } from '../command-line.ts'
import { followStream } from '../follow-stream.ts'
import { EXIT, type Terminal, withServer } from './open-client.ts'
import { USAGE } from './run-usage.ts'
import { jsonWatch, liveWatch, plainWatch, type WatchReport } from './watch-report.ts'

/** `holdfast run watch`. */
export async function watch(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    name: 'run',
    usage: USAGE,
    options: {},
    positionals: ['<id>'],
  })
  return withServer('run', values.json === true, (terminal) => watchRun(terminal, positionals[0] ?? ''))
}

/** Follows a run to its end, or until the command is interrupted, which the run does not feel. Answers the exit code. */
export async function watchRun(terminal: Terminal, id: string): Promise<number> {
  const { client, interrupts, world } = terminal
  const run = await client.run(id)
  const report = chooseReport(terminal)
  // Whatever ends the process, the cursor comes back.
  process.once('exit', () => report.close())
  try {
    const begin = await beginning(terminal, run)
    let { state } = begin
    report.begin(run, state)
    await followStream({
      world,
      stream: runStream.name({ id }),
      from: begin.offset,
      onEvent(event: EventBase, offset) {
        state = runStream.apply(state, event)
        // One of a newer server is for whoever reads the lines.
        if (terminal.json || Object.hasOwn(runStream.events, event.type)) report.event(event as RunEvent, offset, state)
      },
      onConnection: (connection) => report.connection(connection),
      signal: interrupts.signal,
    })
    return await conclude(terminal, run, report)
  } finally {
    report.close()
  }
}

/** Programs get all of it; people see how it stands, and from there on what happens. */
async function beginning({ world, json }: Terminal, { id }: RunDetails): Promise<{ state: RunState; offset: Offset }> {
  const all = { state: runStream.initial, offset: OFFSET_START }
  if (json) return all
  const path = `/v1/stream/${runStream.name({ id })}?view=state`
  return request<{ state: RunState; offset: Offset }>(world, path).catch((error) => {
    if (error instanceof RequestError && error.code === 'NO_FOLD') return all
    throw error
  })
}

async function conclude({ client, interrupts }: Terminal, seen: RunDetails, report: WatchReport): Promise<number> {
  if (interrupts.cause === 'SIGPIPE') return interrupts.exitCode
  if (interrupts.signal.aborted) {
    report.left(seen, interrupts.exitCode)
    return interrupts.exitCode
  }
  const run = await client.run(seen.id)
  const exitCode = exitCodeOf(run)
  report.end(run, exitCode)
  return exitCode
}

function exitCodeOf({ status }: RunDetails): number {
  if (!hasEnded(status)) return EXIT.failed
  return status === 'done' ? EXIT.ok : status === 'cancelled' ? EXIT.cancelled : EXIT.failed
}

function chooseReport({ json }: Terminal): WatchReport {
  const { stdout, stderr } = process
  if (json) return jsonWatch(stdout, stderr)
  // Too low a window would scroll away under the lines, and a dumb terminal cannot move its cursor.
  const canRedraw = stdout.isTTY && process.env.TERM !== 'dumb' && (stdout.rows ?? 24) >= 12
  if (!canRedraw) return plainWatch(stdout, stderr, systemClock)
  return liveWatch({ output: stdout, columns: () => stdout.columns ?? 80, clock: systemClock })
}
