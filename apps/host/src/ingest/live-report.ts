import { IDLE } from '@holdfast/client'
import { ingestionStream } from '@holdfast/ingest/streams'
import type { Clock } from '@holdfast/protocol'
import { describeReconnecting } from '../follow-stream.ts'
import { LiveLines } from '../live-lines.ts'
import { type Output, style } from '../terminal.ts'
import { farewell, introduction } from './introduction.ts'
import { progressLines } from './progress-lines.ts'
import type { Report } from './report.ts'
import { writeSummary } from './summary-text.ts'

/** At most so often is anything redrawn, ms: fast enough to be live, slow enough to be read. */
const FRAME_MS = 100

export interface LiveReportOptions {
  output: Output
  columns: () => number
  clock: Clock
}

/** For people on a terminal: one bar per phase, redrawn in place. */
export function liveReport({ output, columns, clock }: LiveReportOptions): Report {
  const lines = new LiveLines(output, columns)
  let state = ingestionStream.initial
  let connection = IDLE
  let cancelFrame = () => {}
  const draw = () => {
    const said = describeReconnecting(connection, clock.now())
    const lost = said === null ? [] : [`  ${style.waiting(`Connection lost, ${said}`)}`]
    lines.draw([...progressLines(state, columns() - 1), ...lost])
  }
  const nextFrame = () => {
    draw()
    cancelFrame = clock.after(FRAME_MS, nextFrame)
  }
  const close = () => {
    cancelFrame()
    lines.finish()
  }
  return {
    begin(what) {
      output.write(introduction(what))
      nextFrame()
    },
    event: (_event, _offset, now) => {
      state = now
    },
    connection: (now) => {
      connection = now
    },
    left(summary, where) {
      close()
      output.write(farewell(where, summary.projectId))
    },
    async end(summary, failedFiles) {
      connection = IDLE
      draw()
      close()
      await writeSummary(output, summary, failedFiles)
    },
    close,
  }
}
