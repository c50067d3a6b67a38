import { expect, it } from 'vitest'
import { InTurn } from './in-turn.ts'

it('[PG53] what is told a run comes in its turn, and is meant for the run as the order before leaves it', async () => {
  const turns = new InTurn<number>()
  const gate = Promise.withResolvers<number>()
  const seen: (number | null)[] = []
  const note = (result: number) => async (before: number | null) => {
    seen.push(before)
    return result
  }
  const first = turns.run('a', () => gate.promise)
  const second = turns.run('a', note(8))
  await turns.run('b', note(1))
  expect(seen).toEqual([null])
  gate.resolve(7)
  expect(await Promise.all([first, second])).toEqual([7, 8])
  await turns.run('a', note(9))
  expect(seen).toEqual([null, 7, null])
})

it('[PG53] an order that was refused does not hold up the next', async () => {
  const turns = new InTurn<number>()
  const gate = Promise.withResolvers<number>()
  const first = turns.run('a', () => gate.promise)
  const second = turns.run('a', async (before) => before ?? 0)
  gate.reject(new Error('refused'))
  await expect(first).rejects.toThrow('refused')
  expect(await second).toBe(0)
})
