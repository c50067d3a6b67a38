import { HoldfastError } from '@holdfast/protocol'
import { Cron } from 'croner'

/** The times of a cron expression; Unix milliseconds. */
export interface CronTimes {
  /** The first one after that moment; `null` where none comes any more. */
  after(moment: number): number | null
  /** The last one at that moment or before it. */
  latest(moment: number): number | null
}

const LONGEST = 200

/**
 * Reads a cron expression of five fields, or of six with seconds first, meant in an IANA time zone. INVALID_INPUT says
 * which field is wrong, also for one whose time never comes (`0 0 30 2 *`).
 *
 * Where the zone's clocks are set forward, a time of day that is left out (`30 2 * * *`) comes at the first moment after
 * it; where they are set back, one that is there twice comes the first time. What comes by interval (a `*` or a step
 * in hours or minutes) leaves out what is not there and comes in both of two hours. So croner says it, after Vixie cron.
 */
export function cronTimes(cron: string, timezone: string): CronTimes {
  const zone = zoneOf(timezone)
  const pattern = patternOf(cron, zone)
  return {
    after: (moment) => pattern.nextRun(new Date(moment))?.getTime() ?? null,
    // It gives what lies before a moment: a millisecond later so that the moment itself counts.
    latest: (moment) => pattern.previousRuns(1, new Date(moment + 1))[0]?.getTime() ?? null,
  }
}

function zoneOf(timezone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone
  } catch {
    throw invalid('timezone', `"${timezone.slice(0, 80)}" is no time zone.`)
  }
}

function patternOf(cron: string, timezone: string): Cron {
  let pattern: Cron
  try {
    pattern = new Cron(cron.slice(0, LONGEST + 1), { timezone, mode: '5-or-6-parts' })
  } catch (error) {
    throw invalid('cron', String((error as Error).message).replace(/^CronPattern: /, ''))
  }
  // A single date is read as one, too.
  if (cron.length > LONGEST || pattern.getOnce() !== null)
    throw invalid('cron', 'It has five fields, or six with seconds.')
  if (pattern.nextRun(new Date(0)) === null) throw invalid('cron', 'Its time never comes.')
  return pattern
}

function invalid(field: string, message: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', message, { errors: [{ field, message }] })
}
