import { type IngestionState, PHASES } from '@holdfast/ingest/streams'
import { formatCount } from '@holdfast/ingest/view'
import { style } from '../terminal.ts'
import { keepEnd, printable, textWidth } from '../text-width.ts'
import { dealtWith, leftText, PHASE_TITLES, phaseLook, rateText, tookText } from './phase-text.ts'

const GAP = '  '
// Less than this of a file's path says nothing.
const SHORTEST_PATH = 12

/** One line per phase, each of at most `columns` columns: name, bar, percent, and what else there is room for. */
export function progressLines(state: IngestionState, columns: number): string[] {
  return PHASES.map((name, index) => {
    const look = phaseLook(state, index)
    const width = barWidth(columns)
    const percent = look === 'done' ? 100 : (state.phases[index]?.percent ?? 0)
    const title = PHASE_TITLES[name].padEnd(8)
    const share = (look === 'waiting' ? 'waits' : `${Math.floor(percent)} %`).padStart(5)
    const taken = textWidth(`${GAP}${title}${GAP} ${share}${GAP}`) + width
    const details = fitting(detailsOf(state, index), columns - taken - 1)
    const painted = look === 'waiting' ? style.dim : look === 'stopped' ? style.failed : (text: string) => text
    const line = `${GAP}${painted(title)}${GAP}${bar(percent, width, look)} ${painted(share)}`
    return details === '' ? line : `${line}${GAP}${style.dim(details)}`
  })
}

function barWidth(columns: number): number {
  return columns >= 110 ? 24 : columns >= 70 ? 16 : columns >= 40 ? 10 : 4
}

/** Full and empty part differ by their shape too, not by colour alone. */
function bar(percent: number, width: number, look: ReturnType<typeof phaseLook>): string {
  const full = Math.floor((Math.max(0, Math.min(100, percent)) / 100) * width)
  const paint = { waiting: style.dim, working: style.accent, done: style.done, stopped: style.failed }[look]
  return paint('━'.repeat(full)) + style.dim('╌'.repeat(width - full))
}

interface Detail {
  text: string
  /** A path may lose its beginning to fit. */
  isPath?: boolean
}

function detailsOf(state: IngestionState, index: number): Detail[] {
  const metrics = state.phases[index]?.metrics
  const look = phaseLook(state, index)
  if (!metrics) return look === 'done' ? [{ text: tookText(state, index) }] : []
  const total = formatCount(metrics.filesTotal)
  const counts = `${formatCount(dealtWith(metrics)).padStart(total.length)}/${total}`
  if (look !== 'working') return [{ text: counts }, { text: look === 'done' ? tookText(state, index) : '' }]
  return [
    { text: counts },
    { text: rateText(metrics) },
    { text: leftText(metrics) },
    { text: printable(metrics.currentFile ?? ''), isPath: true },
  ]
}

function fitting(details: Detail[], columns: number): string {
  let line = ''
  for (const { text, isPath } of details) {
    if (text === '') continue
    const gap = line === '' ? '' : GAP
    const room = columns - textWidth(line) - gap.length
    if (textWidth(text) <= room) line += gap + text
    else if (isPath && room >= SHORTEST_PATH) line += gap + keepEnd(text, room)
  }
  return line
}
