import { Cron } from 'croner'
import cronstrue from 'cronstrue'

/** What a cron expression means. */
export interface CronReading {
  /** `At 07:00, Monday through Friday`. */
  words: string
  /** The next few times, Unix ms. */
  next: number[]
}

export interface CronProblem {
  problem: string
}

/** How many of the next times are told. */
const TOLD = 3

/** Reads a cron expression of five or six fields as the server does; what is wrong with it in words. */
export function readCron(cron: string, timezone: string, from: number): CronReading | CronProblem {
  const fields = cron.trim().split(/\s+/)
  if (fields.length < 5 || fields.length > 6) return { problem: 'Five fields, or six with seconds first.' }
  try {
    const next = new Cron(cron.trim(), { timezone, mode: '5-or-6-parts' }).nextRuns(TOLD, new Date(from))
    if (next.length === 0) return { problem: 'Its time never comes.' }
    const words = cronstrue.toString(cron.trim(), { use24HourTimeFormat: true, throwExceptionOnParseError: true })
    return { words, next: next.map((date) => date.getTime()) }
  } catch (error) {
    return { problem: problemOf(error) }
  }
}

/** Whether a zone is one that clocks are kept in. */
export function isTimezone(timezone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** A moment as a clock in that zone shows it: `Mon, 23 Nov, 07:00`. */
export function timeIn(timezone: string, at: number): string {
  return new Date(at).toLocaleString('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  })
}

function problemOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/^(CronPattern|Error): /, '')
}
