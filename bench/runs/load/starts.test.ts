import { describe, expect, it } from 'vitest'
import { Marks } from './marks.ts'
import { keepWorking, startOneByOne } from './starts.ts'

const later = (ms: number, task: () => void) => void setTimeout(task, ms)

describe('startOneByOne', () => {
  it('[BENCH2] counts from the call to the first line of the code, and not the work or the answer to the start', async () => {
    const marks = new Marks()
    let working = 0
    let most = 0
    const times = await startOneByOne({ prefix: 'r', count: 5, pauseMs: 1 }, marks, async (id) => {
      working += 1
      most = Math.max(most, working)
      marks.began(id)
      later(30, () => {
        working -= 1
        marks.end(id)
      })
      await new Promise((resolve) => setTimeout(resolve, 20))
    })
    expect(times).toHaveLength(5)
    expect(Math.max(...times)).toBeLessThan(10)
    expect(most).toBe(1)
  })

  it('[BENCH2] a run that begins late is as late in the figures, also where its start was answered at once', async () => {
    const marks = new Marks()
    const [ms] = await startOneByOne({ prefix: 'r', count: 1, pauseMs: 0 }, marks, async (id) => {
      later(40, () => {
        marks.began(id)
        // Begun again by another attempt: the first time counts.
        marks.began(id)
        marks.end(id)
      })
    })
    expect(ms).toBeGreaterThan(35)
  })
})

describe('keepWorking', () => {
  it('[BENCH1] there are never more runs than the backlog, and it is kept filled', async () => {
    const marks = new Marks()
    const seen: number[] = []
    const flow = { warmSeconds: 0.01, seconds: 0.1, backlog: 7, starters: 3 }
    const { runs } = await keepWorking(flow, marks, async (id) => {
      seen.push(marks.open)
      marks.began(id)
      later(10, () => marks.end(id))
    })
    expect(Math.max(...seen)).toBe(7)
    expect(runs).toBe(seen.length)
    expect(marks.ended).toBe(runs)
    expect(marks.open).toBe(0)
  })

  it('[BENCH2] only ends within the time count, each run once, and nobody leaves before the last has ended', async () => {
    const marks = new Marks()
    const flow = { warmSeconds: 0.05, seconds: 0.1, backlog: 100, starters: 1 }
    // All of them end when the time is over.
    const { perSecond, runs } = await keepWorking(flow, marks, async (id) => {
      later(400, () => {
        marks.end(id)
        marks.end(id)
      })
      await new Promise((resolve) => setTimeout(resolve, 1))
    })
    expect(perSecond).toBe(0)
    expect(marks.ended).toBe(runs)
    expect(runs).toBe(100)
  })

  it('[BENCH2] a start that fails ends the measurement with its error', async () => {
    const flow = { warmSeconds: 0.01, seconds: 5, backlog: 2, starters: 2 }
    const refused = async () => {
      throw new Error('no room')
    }
    await expect(keepWorking(flow, new Marks(), refused)).rejects.toThrow('no room')
  })
})
