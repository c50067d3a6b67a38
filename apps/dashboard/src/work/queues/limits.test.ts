import type { QueuesView } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import { withLimits } from './limits.ts'

const VIEW: QueuesView = {
  queues: [
    { name: 'mail', paused: false, concurrency: 4, queued: 1, working: 2, waiting: 0, failed: 0, oldestDueAt: null },
    {
      name: 'apollo',
      paused: false,
      concurrency: null,
      queued: 0,
      working: 0,
      waiting: 0,
      failed: 0,
      oldestDueAt: null,
    },
  ],
  providers: [{ name: 'apollo', paused: false, concurrency: 2, working: 1, waiting: 0 }],
  workers: [],
}

describe('what was set and is not answered yet', () => {
  it('[PG68] lies over what the server has said, the newest last, of that queue or provider only', () => {
    const view = withLimits(VIEW, [
      { kind: 'queue', name: 'mail', change: { concurrency: 5 } },
      { kind: 'queue', name: 'mail', change: { paused: true } },
      { kind: 'queue', name: 'mail', change: { concurrency: null } },
      { kind: 'provider', name: 'apollo', change: { concurrency: 0 } },
    ])
    expect(view.queues.map(({ name, paused, concurrency }) => [name, paused, concurrency])).toEqual([
      ['mail', true, null],
      ['apollo', false, null],
    ])
    expect(view.providers[0]?.concurrency).toBe(0)
    expect(withLimits(VIEW, [])).toEqual(VIEW)
  })
})
