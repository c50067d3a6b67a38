import { expect, it } from 'vitest'
import { isTimezone, readCron, timeIn } from './cron-words.ts'

const FROM = Date.parse('2026-11-20T12:00:00Z')

it('[PG54] a cron expression is told in words, with its next times in its zone', () => {
  const reading = readCron('0 7 * * 1-5', 'Europe/Berlin', FROM)
  expect(reading).toEqual({
    words: 'At 07:00, Monday through Friday',
    next: ['2026-11-23', '2026-11-24', '2026-11-25'].map((day) => Date.parse(`${day}T06:00:00Z`)),
  })
  expect(timeIn('Europe/Berlin', Date.parse('2026-11-23T06:00:00Z'))).toBe('Mon 23 Nov, 07:00')
  expect(readCron('*/10 * * * * *', 'UTC', FROM)).toMatchObject({ words: 'Every 10 seconds' })
})

it('[PG54] what is no such expression, and what never comes, is told in words', () => {
  for (const cron of ['', 'daily', '* * * *', '* * * * * * *', '99 * * * *', '0 0 30 2 *', '2026-01-01T00:00:00']) {
    expect(readCron(cron, 'UTC', FROM), cron).toEqual({ problem: expect.stringMatching(/^[A-Z].{5,}/) })
  }
  expect(['UTC', 'Asia/Kolkata', 'Mars/Base', ''].map(isTimezone)).toEqual([true, true, false, false])
})
