import { HoldfastError } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { LastUse } from './last-use.ts'
import type { StreamRow } from './streams-table.ts'

const row = (fields: Partial<StreamRow>) => ({ id: 1, name: 's', ttl: 10, ...fields }) as StreamRow

describe('LastUse', () => {
  it('[LOG20] what could not be written down is kept for the next time, the newest use of each', async () => {
    const clock = new ManualClock()
    const lastUse = new LastUse({ clock, hasReaders: () => false, shared: false })
    const written = clock.now() + 10_000
    lastUse.touch(1, 'a', 10)
    lastUse.touch(2, 'b', 10)
    clock.advance(5_000)
    const failing = lastUse.flush(async () => {
      lastUse.touch(2, 'b', 10)
      throw new HoldfastError('STORAGE_FULL')
    })
    await expect(failing).rejects.toThrow(expect.objectContaining({ code: 'STORAGE_FULL' }))
    const stored: [number, number][] = []
    await lastUse.flush(async (deadlines) => {
      for (const [id, { at }] of deadlines) stored.push([id, at])
    })
    expect(stored.sort()).toEqual([
      [1, written],
      [2, written + 5_000],
    ])
    await lastUse.flush(() => Promise.reject(new Error('there is nothing to write')))
  })

  it('[LOG20] a use counts while it is being written down', async () => {
    const clock = new ManualClock()
    const lastUse = new LastUse({ clock, hasReaders: () => false, shared: false })
    const old = row({ expires_at: clock.now() + 1_000 })
    lastUse.touch(1, 'a', 10)
    clock.advance(9_999)
    await lastUse.flush(async () => expect(lastUse.isExpired(old)).toBe(false))
    // From here on the table has it.
    expect(lastUse.isExpired(old)).toBe(true)
  })

  it('[LOG24] where others use it too, an end is believed once what they know would have been written down', async () => {
    const clock = new ManualClock()
    const ends = (ttl: number) => row({ ttl, expires_at: clock.now() })
    const shared = new LastUse({ clock, hasReaders: () => false, shared: true })
    for (const [ttl, slack] of [
      [1, 2_000],
      [12, 3_000],
      [3_600, 5_000],
    ] as const) {
      const old = ends(ttl)
      clock.advance(slack - 1)
      expect([ttl, shared.isExpired(old)]).toEqual([ttl, false])
      clock.advance(1)
      expect([ttl, shared.isExpired(old)]).toEqual([ttl, true])
    }
    // A moment is the same for everybody.
    expect(shared.isExpired(row({ ttl: null, expires_at: clock.now() }))).toBe(true)
  })
})
