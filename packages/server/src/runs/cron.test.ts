import { isHoldfastError } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cronTimes } from './cron.ts'

const at = (text: string) => Date.parse(text)
const time = (moment: number | null) => (moment === null ? null : new Date(moment).toISOString())

/** The times that come one after the other. */
function following(cron: string, timezone: string, from: string, count: number): (string | null)[] {
  const times = cronTimes(cron, timezone)
  const found: (string | null)[] = []
  for (let moment: number | null = at(from); found.length < count && moment !== null; ) {
    moment = times.after(moment)
    found.push(time(moment))
  }
  return found
}

describe('cronTimes', () => {
  it('[SCHED1] gives the next time after a moment, and the last one up to it', () => {
    const hourly = cronTimes('0 * * * *', 'UTC')
    expect(time(hourly.after(at('2026-01-01T12:59:59.999Z')))).toBe('2026-01-01T13:00:00.000Z')
    expect(time(hourly.after(at('2026-01-01T13:00:00.000Z')))).toBe('2026-01-01T14:00:00.000Z')
    expect(time(hourly.latest(at('2026-01-01T12:59:59.999Z')))).toBe('2026-01-01T12:00:00.000Z')
    expect(time(hourly.latest(at('2026-01-01T13:00:00.000Z')))).toBe('2026-01-01T13:00:00.000Z')
    expect(following('*/20 * * * * *', 'UTC', '2026-01-01T00:00:00Z', 2)).toEqual([
      '2026-01-01T00:00:20.000Z',
      '2026-01-01T00:00:40.000Z',
    ])
    expect(following('30 8 * * MON-FRI', 'Europe/Berlin', '2026-01-02T12:00:00Z', 1)).toEqual([
      '2026-01-05T07:30:00.000Z',
    ])
  })

  it('[SCHED1] what is the latest is never followed by another one up to then', () => {
    const crons = fc.constantFrom('*/7 * * * *', '30 2 * * *', '0 */3 * * *', '15 1-4 * * 0', '*/30 2 * * *')
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe')
    const moments = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') })
    fc.assert(
      fc.property(crons, zones, moments, (cron, zone, moment) => {
        const times = cronTimes(cron, zone)
        const latest = times.latest(moment) ?? Number.NaN
        expect(latest).toBeLessThanOrEqual(moment)
        expect(times.after(latest)).toBeGreaterThan(moment)
        expect(times.after(moment)).toBe(times.after(latest))
      }),
    )
  })

  it('[SCHED6] a time of day that summer time leaves out comes right after it, one that is there twice comes once', () => {
    expect(following('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    expect(following('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00:00Z', 3)).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  it('[SCHED6] what comes by interval goes on evenly through both changes', () => {
    const spring = following('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 4)
    expect(spring.map((one) => one?.slice(11, 16))).toEqual(['00:30', '01:00', '01:30', '02:00'])
    const autumn = following('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00:00Z', 4)
    expect(autumn.map((one) => one?.slice(11, 16))).toEqual(['00:30', '01:00', '01:30', '02:00'])
  })

  it('[SCHED5] refuses what is no cron expression and no time zone, with the field', () => {
    const wrong: [string, string, string][] = [
      ['', 'UTC', 'cron'],
      ['* * * *', 'UTC', 'cron'],
      ['61 * * * *', 'UTC', 'cron'],
      ['* * * * * * 2026', 'UTC', 'cron'],
      ['2026-01-01T00:00:00', 'UTC', 'cron'],
      ['0 0 30 2 *', 'UTC', 'cron'],
      [`${' '.repeat(300)}* * * * *`, 'UTC', 'cron'],
      ['* * * * *', 'Mars/Phobos', 'timezone'],
      ['* * * * *', '', 'timezone'],
    ]
    for (const [cron, timezone, field] of wrong) {
      const thrown = (() => {
        try {
          cronTimes(cron, timezone)
        } catch (error) {
          return error
        }
      })()
      expect(isHoldfastError(thrown, 'INVALID_INPUT') && thrown.errors?.map((one) => one.field), cron).toEqual([field])
    }
  })
})
