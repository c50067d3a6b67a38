import type { Outcome } from './watch-list.ts'

/** What the tab's icon tells: how far something is, or how it ended. */
export type TabMark = { percent: number } | { outcome: Outcome['status'] }

// Drawn for light and dark tab strips alike; the page's own tokens do not reach the browser's frame.
const COLOURS = { working: '#0f8f88', done: '#2e9e5b', failed: '#d24a40', cancelled: '#7d8a86', track: '#8fa09b' }
const RADIUS = 12
const LENGTH = 2 * Math.PI * RADIUS

const MARKS = {
  done: 'M9.5 16.5l4.5 4.5 8.5-9.5',
  failed: 'M11 11l10 10M21 11l-10 10',
  cancelled: 'M10 16h12',
}

/** An icon as an SVG data URL: a ring that fills, or a filled circle with a check, a cross or a bar. */
export function faviconOf(mark: TabMark): string {
  return `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke-linecap="round">${drawn(mark)}</svg>`,
  )}`
}

function drawn(mark: TabMark): string {
  if ('outcome' in mark) {
    const path = `<path d="${MARKS[mark.outcome]}" stroke="#fff" stroke-width="3.5" stroke-linejoin="round"/>`
    return `<circle cx="16" cy="16" r="15" fill="${COLOURS[mark.outcome]}"/>${path}`
  }
  const share = Math.min(100, Math.max(0, Math.floor(mark.percent))) / 100
  const ring = `cx="16" cy="16" r="${RADIUS}" stroke-width="6"`
  const filled = `stroke-dasharray="${(LENGTH * share).toFixed(1)} ${LENGTH.toFixed(1)}" transform="rotate(-90 16 16)"`
  return (
    `<circle ${ring} stroke="${COLOURS.track}" stroke-opacity=".45"/>` +
    (share > 0 ? `<circle ${ring} stroke="${COLOURS.working}" ${filled}/>` : '')
  )
}
