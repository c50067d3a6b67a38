import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ReadBudget } from './read-budget.ts'

/** Reads that each take so long, on a clock that nothing else moves. */
function slowReads(ms: number) {
  let now = 0
  const done: number[] = []
  const budget = new ReadBudget(() => now)
  const read = (n: number) =>
    budget.run(() => {
      now += ms
      done.push(n)
      return n
    })
  return { done, read }
}

describe('ReadBudget', () => {
  it('[DB13] what does not fit into one turn waits for the next ones, in order', async () => {
    const { done, read } = slowReads(6)
    const all = Promise.all([1, 2, 3, 4, 5].map(read))
    const seen: number[][] = [[...done]]
    while (done.length < 5) {
      await turn()
      seen.push([...done])
    }
    // The second goes over the ten milliseconds of a turn.
    expect(seen[0]).toEqual([1, 2])
    expect(seen.map(({ length }) => length).every((count, index) => count - (seen[index - 1]?.length ?? 0) <= 2)).toBe(
      true,
    )
    expect(await all).toEqual([1, 2, 3, 4, 5])
    expect(done).toEqual([1, 2, 3, 4, 5])
  })

  it('[DB13] short reads share a turn, also when each follows from the one before', async () => {
    const { done, read } = slowReads(1)
    let turns = 0
    const counting = (async () => {
      while (done.length < 8) {
        await turn()
        turns += 1
      }
    })()
    for (let n = 0; n < 8; n += 1) await read(n)
    await counting
    expect(turns).toBe(1)
  })

  it('[DB13] reads that follow one another for long let the turn end', async () => {
    const { done, read } = slowReads(4)
    let others = 0
    const other = (async () => {
      while (done.length < 30) {
        await turn()
        others += 1
      }
    })()
    for (let n = 0; n < 30; n += 1) await read(n)
    await other
    expect(others).toBeGreaterThanOrEqual(9)
  })

  it('[DB13] a read that fails holds nobody up', async () => {
    const { read } = slowReads(11)
    const budget = new ReadBudget()
    const failed = budget.run(() => {
      throw new Error('no such table')
    })
    await expect(failed).rejects.toThrow('no such table')
    expect(await budget.run(() => 2)).toBe(2)
    expect(await Promise.all([read(1), read(2)])).toEqual([1, 2])
  })
})
