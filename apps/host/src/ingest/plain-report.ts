import { PHASES } from '@holdfast/ingest/streams'
import { formatCount } from '@holdfast/ingest/view'
import { describeReconnecting } from '../follow-stream.ts'
import type { Output } from '../terminal.ts'
import { printable } from '../text-width.ts'
import { farewell, introduction } from './introduction.ts'
import { dealtWith, leftText, PHASE_TITLES, rateText } from './phase-text.ts'
import type { Report } from './report.ts'
import { writeSummary } from './summary-text.ts'

/** For logs and pipes: a line when a phase begins, and one for each tenth of it. */
export function plainReport(stdout: Output, stderr: Output): Report {
  /** Tenths told of each phase. */
  const told = [0, 0, 0, 0]
  return {
    begin: (what) => stdout.write(introduction(what)),
    event(event) {
      if (event.type === 'phase_started') {
        stdout.write(`${PHASE_TITLES[event.phaseName]}: ${printable(event.message)}\n`)
      }
      if (event.type !== 'progress_update') return
      const tenth = Math.floor(event.progressPercent / 10)
      if (tenth <= (told[event.phase - 1] ?? 0)) return
      told[event.phase - 1] = tenth
      const { metrics } = event
      const name = PHASES[event.phase - 1] ?? 'index'
      const counts = `${formatCount(dealtWith(metrics))} of ${formatCount(metrics.filesTotal)} files`
      const parts = [`${tenth * 10} %`, counts, rateText(metrics), leftText(metrics)].filter((part) => part !== '')
      stdout.write(`${PHASE_TITLES[name]} ${parts.join(', ')}\n`)
    },
    connection(connection) {
      const said = connection.retryAt === null ? null : describeReconnecting(connection, Date.now())
      if (said) stderr.write(`holdfast: ${said}\n`)
    },
    left: (summary, where) => stdout.write(farewell(where, summary.projectId)),
    end: (summary, failedFiles) => writeSummary(stdout, summary, failedFiles),
    close() {},
  }
}
