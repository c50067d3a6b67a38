import { describe, expect, it } from 'vitest'
import { each } from './world.ts'

async function* count(to: number, failAt = Number.POSITIVE_INFINITY): AsyncGenerator<number> {
  for (let n = 1; n <= to; n += 1) {
    if (n === failAt) throw new Error('the items failed')
    yield n
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const { signal: never } = new AbortController()

describe('each', () => {
  it('[ING8] does all of the work, so much at a time and no more', async () => {
    let running = 0
    let most = 0
    const seen: number[] = []
    await each(count(20), 3, never, async (n) => {
      running += 1
      most = Math.max(most, running)
      await turn()
      seen.push(n)
      running -= 1
    })
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
    expect(most).toBe(3)
  })

  it('[ING8] starts nothing after a failure, waits for what runs, then throws the first', async () => {
    let ended = 0
    let begun = 0
    const work = async (n: number) => {
      begun += 1
      if (n === 4) throw new Error('the fourth failed')
      await turn()
      await turn()
      ended += 1
    }
    await expect(each(count(100), 3, never, work)).rejects.toThrow('the fourth failed')
    expect(begun).toBeLessThan(10)
    expect(ended).toBe(begun - 1)
  })

  it('[ING8] waits for what runs also where the items themselves fail', async () => {
    let running = 0
    const work = async () => {
      running += 1
      await turn()
      await turn()
      running -= 1
    }
    await expect(each(count(10, 3), 5, never, work)).rejects.toThrow('the items failed')
    expect(running).toBe(0)
  })

  it('[ING8] stops at an abort with its reason, nothing left running', async () => {
    const stop = new AbortController()
    let running = 0
    const work = async (n: number) => {
      running += 1
      if (n === 5) stop.abort(new Error('stopped'))
      await turn()
      running -= 1
      if (n === 5) throw new Error('a failure that came of it')
    }
    await expect(each(count(100), 2, stop.signal, work)).rejects.toThrow('stopped')
    expect(running).toBe(0)
  })
})
