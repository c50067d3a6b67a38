import { PHASES } from '@holdfast/ingest/streams'
import {
  FILE_CODES,
  type FileCode,
  type FileView,
  formatBytes,
  formatCount,
  formatDuration,
} from '@holdfast/ingest/view'
import { type Output, style } from '../terminal.ts'
import { printable } from '../text-width.ts'
import { files } from './phase-text.ts'
import type { Report, Summary } from './report.ts'

/** The end, for people: one line that sums it up, then the failed files by cause and the skipped ones in numbers. */
export async function writeSummary(
  output: Output,
  summary: Summary,
  failedFiles: Parameters<Report['end']>[1],
): Promise<void> {
  output.write(`\n${headline(summary)}\n`)
  const failed = summary.groups.filter(({ status }) => status === 'failed')
  if (failed.length > 0) output.write(`\n${style.bold('Failed')}\n`)
  for (const group of failed) {
    output.write(`  ${style.failed(group.code ?? '')}  ${reasonOf(group.code)}  ${style.dim(files(group.files))}\n`)
    for await (const file of failedFiles(group)) output.write(`    ${fileLine(file)}\n`)
  }
  const skipped = summary.groups.filter(({ status }) => status === 'skipped')
  if (skipped.length > 0) output.write(`\n${style.bold('Skipped')}\n`)
  for (const { code, files: count } of skipped) {
    output.write(`  ${code}  ${reasonOf(code)}  ${style.dim(files(count))}\n`)
  }
}

function headline({ status, result, error }: Summary): string {
  if (status === 'done' && result) {
    const { done, failed, skipped } = result.files
    const failures = `${formatCount(failed)} failed`
    const counts = [
      `${files(done)} done`,
      failed > 0 ? style.failed(failures) : failures,
      `${formatCount(skipped)} skipped`,
      `${formatCount(result.chunks)} ${result.chunks === 1 ? 'passage' : 'passages'}`,
      formatBytes(result.bytes),
    ]
    return `${style.done('Done')} in ${formatDuration(result.seconds)}: ${counts.join(', ')}.`
  }
  const where = error ? ` in ${PHASES[error.phase - 1]}` : ''
  if (status === 'cancelled') {
    return `${style.waiting('Cancelled')}${where}. Files that were done stay searchable; a retry goes on from there.`
  }
  return `${style.failed('Failed')}${where}: ${printable(error?.message ?? '')} (${error?.errorCode})`
}

function reasonOf(code: string | null): string {
  return code !== null && Object.hasOwn(FILE_CODES, code) ? FILE_CODES[code as FileCode].reason : ''
}

/** A file, and what its own reason adds to that of its group. */
function fileLine({ path, code, reason }: FileView): string {
  const base = reasonOf(code)
  const added = reason?.startsWith(base) ? reason.slice(base.length).trim() : (reason ?? '')
  return added === '' ? printable(path) : `${printable(path)}  ${style.dim(printable(added))}`
}
