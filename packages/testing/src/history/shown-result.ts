import type { RunResult } from './run-history.ts'

const SHOWN = 20

/** A run for a person to read: its seed, what happened, what may not be, and how to see it again. */
export function shownResult({ seed, violations, summary, again }: RunResult): string {
  if (violations.length === 0) return `seed ${seed}: ${summary}`
  return [
    `seed ${seed}: ${violations.length} violations`,
    ...violations.slice(0, SHOWN).map(({ kind, stream, text }) => `  ${kind}, ${stream}: ${text}`),
    ...(violations.length > SHOWN ? [`  and ${violations.length - SHOWN} more`] : []),
    `  ${summary}`,
    `  again: npm run chaos -- ${again}`,
  ].join('\n')
}
