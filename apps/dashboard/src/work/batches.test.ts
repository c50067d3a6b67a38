import { RUN_STATUSES, type RunStatus } from '@holdfast/protocol/runs'
import { expect, it } from 'vitest'
import { type RunCount, type RunFilter, workApi } from './api.ts'
import { consequences, countSet, fitting } from './batches.ts'

function counted(byStatus: Partial<Record<RunStatus, number>>): RunCount {
  const all = Object.fromEntries(RUN_STATUSES.map((status) => [status, byStatus[status] ?? 0])) as RunCount['byStatus']
  return { count: Object.values(all).reduce((sum, one) => sum + one, 0), byStatus: all }
}

it('[PG52] what becomes of many runs is told with the numbers of those it is about', () => {
  const some = counted({ queued: 10, working: 3, quiet: 1, waiting: 2, done: 20, failed: 4, cancelled: 1 })
  expect(fitting('cancel', some)).toBe(16)
  expect(consequences('cancel', some)).toEqual([
    '16 runs end as cancelled.',
    '4 of them are at work: what the step at work has done so far is lost.',
    'Finished steps are kept, for a retry.',
    '25 runs have ended and stay as they are.',
  ])
  expect(fitting('retry', some)).toBe(5)
  expect(consequences('retry', some).at(-1)).toBe('36 runs did not fail and stay as they are.')
  expect(consequences('pause', counted({ queued: 1 }))).toEqual(['1 run stops until resumed.'])
})

it('[PG52] a set of runs is counted by the server: those of a filter less some, or these, a hundred at a time', async () => {
  const asked: string[] = []
  const request = async (path: string) => {
    asked.push(path)
    const ids = new URL(path, 'http://holdfast').searchParams.get('ids')?.split(',').length
    return counted({ queued: ids ?? 1_240 })
  }
  const api = workApi({ request: request as never })
  const filter: RunFilter = { queue: 'mail' }
  expect((await countSet(api, { filter, exceptIds: ['a', 'b'] })).count).toBe(1_238)
  expect(asked).toEqual(['/api/runs/count?queue=mail', '/api/runs/count?queue=mail&ids=a%2Cb'])
  asked.length = 0
  const ids = Array.from({ length: 230 }, (_, nth) => `run-${nth}`)
  expect((await countSet(api, { filter: {}, ids })).byStatus.queued).toBe(230)
  expect(asked).toHaveLength(3)
})
