import { IDLE, type LinkConnection } from '@holdfast/client'
import type { Clock, Offset } from '@holdfast/protocol'
import { hasEnded, type RunDetails, type RunEvent, type RunState } from '@holdfast/protocol/runs'
import { describeReconnecting } from '../follow-stream.ts'
import { LiveLines } from '../live-lines.ts'
import { type Output, style } from '../terminal.ts'
import { printable } from '../text-width.ts'
import { valueText } from './run-show.ts'
import { eventLines, stateLines } from './watch-lines.ts'
import { doneText, duration, faultText, leftText } from './words.ts'

/** Told of everything that happens while a run is watched. */
export interface WatchReport {
  begin(run: RunDetails, state: RunState): void
  event(event: RunEvent, offset: Offset, state: RunState): void
  connection(connection: LinkConnection): void
  /** It has ended. */
  end(run: RunDetails, exitCode: number): void
  /** It goes on, unwatched. */
  left(run: RunDetails, exitCode: number): void
  /** May be called twice. */
  close(): void
}

const FRAME_MS = 100

export interface LiveWatchOptions {
  output: Output
  columns: () => number
  clock: Clock
}

/** For people on a terminal: what happened, line by line, and below it how the run stands, redrawn in place. */
export function liveWatch({ output, columns, clock }: LiveWatchOptions): WatchReport {
  const lines = new LiveLines(output, columns)
  let shown: { id: string; state: RunState } | null = null
  let connection = IDLE
  let cancelFrame = () => {}
  const draw = () => {
    if (shown === null) return
    const said = describeReconnecting(connection, clock.now())
    const lost = said === null ? [] : [style.waiting(`Connection lost, ${said}`)]
    lines.draw([...stateLines(shown.state, shown.id, columns() - 1, clock.now()), ...lost])
  }
  const nextFrame = () => {
    draw()
    cancelFrame = clock.after(FRAME_MS, nextFrame)
  }
  const close = () => {
    cancelFrame()
    lines.finish()
  }
  const conclude = (text: string) => {
    connection = IDLE
    draw()
    close()
    output.write(text)
  }
  return {
    begin(run, state) {
      output.write(`${introduction(run)}\n`)
      shown = { id: run.id, state }
      nextFrame()
    },
    event(event, _offset, state) {
      if (shown === null) return
      const said = eventLines(event, shown.id, clock.now())
      if (said.length > 0) lines.print(said)
      shown = { ...shown, state }
    },
    connection(now) {
      connection = now
    },
    end: (run) => conclude(`\n${outcome(run)}\n`),
    left: (run) => conclude(farewell(run)),
    close,
  }
}

/** For logs and pipes: a line for whatever happens, and one for each tenth of the way. */
export function plainWatch(stdout: Output, stderr: Output, clock: Clock): WatchReport {
  let id = ''
  let tenth = 0
  return {
    begin(run, state) {
      id = run.id
      stdout.write(`${introduction(run)}\n`)
      const now = hasEnded(state.status) ? [] : stateLines(state, id, 200, clock.now())
      for (const line of now) stdout.write(`${line}\n`)
      tenth = Math.floor((state.progress?.percent ?? 0) / 10)
    },
    event(event, _offset, state) {
      for (const line of eventLines(event, id, clock.now())) stdout.write(`${line}\n`)
      const { progress } = state
      const now = Math.floor((progress?.percent ?? 0) / 10)
      if (event.type !== 'progress' || progress === null || now <= tenth) return
      tenth = now
      const phase = progress.phase === null ? '' : printable(progress.phase)
      const words = [phase, doneText(progress), progress.left === null ? '' : leftText(progress.left)]
      stdout.write(`${[`${now * 10} %`, ...words].filter((text) => text !== '').join(', ')}\n`)
    },
    connection: (connection) => tellReconnecting(stderr, connection),
    end: (run) => stdout.write(`${outcome(run)}\n`),
    left: (run) => stdout.write(farewell(run)),
    close() {},
  }
}

/** For programs: each event as it was received on a line of stdout, and last a line of type `summary`. */
export function jsonWatch(stdout: Output, stderr: Output): WatchReport {
  const summary = (run: RunDetails, exitCode: number) => {
    const { id, name, status, result, error } = run
    return `${JSON.stringify({ type: 'summary', id, name, status, exitCode, result, error })}\n`
  }
  return {
    begin() {},
    event: (event, offset) => stdout.write(`${JSON.stringify({ ...event, offset })}\n`),
    connection: (connection) => tellReconnecting(stderr, connection),
    end: (run, exitCode) => stdout.write(summary(run, exitCode)),
    left(run, exitCode) {
      stdout.write(summary(run, exitCode))
      stderr.write(farewell(run))
    },
    close() {},
  }
}

function tellReconnecting(stderr: Output, connection: LinkConnection): void {
  const said = connection.retryAt === null ? null : describeReconnecting(connection, Date.now())
  if (said) stderr.write(`holdfast: ${said}\n`)
}

function introduction({ id, name }: RunDetails): string {
  return `Watching ${style.bold(printable(name))} ${style.dim(printable(id))}`
}

/** What came of it, and what can be done where it did not end well. */
function outcome(run: RunDetails): string {
  const { id, status, error, result, createdAt, startedAt, endedAt } = run
  const ms = endedAt === null ? 0 : Date.parse(endedAt) - Date.parse(startedAt ?? createdAt)
  if (status === 'done') {
    const value = result === null || result === undefined ? '' : `: ${printable(valueText(result))}`
    return `${style.done('Done')} in ${duration(ms)}${value}`
  }
  if (status === 'cancelled')
    return `${style.waiting('Cancelled')} after ${duration(ms)}. Try it again: npx holdfast run retry ${id}`
  return `${style.failed('Failed')} after ${duration(ms)}: ${error ? faultText(error) : ''}\n  Try it again: npx holdfast run retry ${id}`
}

function farewell({ id }: RunDetails): string {
  return `
Not watched any more; the run goes on.
  Watch it:   npx holdfast run watch ${id}
  Cancel it:  npx holdfast run cancel ${id}
`
}
