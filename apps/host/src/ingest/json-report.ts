import type { FileView } from '@holdfast/ingest/view'
import { describeReconnecting } from '../follow-stream.ts'
import type { Output } from '../terminal.ts'
import { farewell } from './introduction.ts'
import type { Report, Summary } from './report.ts'

/** For programs: each event as it was received on a line of stdout, and last a line of type `summary`. */
export function jsonReport(stdout: Output, stderr: Output): Report {
  return {
    begin() {},
    event: (event, offset) => stdout.write(`${JSON.stringify({ ...event, offset })}\n`),
    connection(connection) {
      const said = connection.retryAt === null ? null : describeReconnecting(connection, Date.now())
      if (said) stderr.write(`holdfast: ${said}\n`)
    },
    left(summary, where) {
      stdout.write(summaryLine(summary, []))
      stderr.write(farewell(where, summary.projectId))
    },
    async end(summary, failedFiles) {
      const failed: FailedFile[] = []
      for (const group of summary.groups) {
        if (group.status !== 'failed') continue
        for await (const { path, code, reason } of failedFiles(group)) failed.push({ path, code, reason })
      }
      stdout.write(summaryLine(summary, failed))
    },
    close() {},
  }
}

type FailedFile = Pick<FileView, 'path' | 'code' | 'reason'>

function summaryLine({ result, error, groups, ...summary }: Summary, failed: FailedFile[]): string {
  const skipped = groups.filter(({ status }) => status === 'skipped')
  return `${JSON.stringify({
    type: 'summary',
    ...summary,
    files: result?.files ?? null,
    chunks: result?.chunks ?? null,
    bytes: result?.bytes ?? null,
    seconds: result?.seconds ?? null,
    error,
    failed,
    skipped: Object.fromEntries(skipped.map(({ code, files }) => [code ?? '', files])),
  })}\n`
}
