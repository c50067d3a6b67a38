import { describe, expect, it } from 'vitest'
import { eventText, figuresOf, together, writeFor } from './write-loop.ts'

/** Which streams each writer wrote to, in order. */
async function written(pace: Parameters<typeof writeFor>[0]): Promise<number[][]> {
  const streams = Array.from({ length: pace.writers }, (): number[] => [])
  await writeFor(pace, async ({ writer, stream }) => {
    streams[writer]?.push(stream)
    await new Promise((resolve) => setImmediate(resolve))
    return true
  })
  return streams
}

describe('writeFor', () => {
  it('[BENCH1] writers that are enough have a stream of their own each; one alone goes through all of them', async () => {
    const own = await written({ writers: 6, streams: 3, seconds: 0.02 })
    expect(own.map((streams) => [...new Set(streams)])).toEqual([[0], [1], [2], [0], [1], [2]])
    const [alone = []] = await written({ writers: 1, streams: 3, seconds: 0.04, rate: 100, openLoop: true })
    expect(alone).toEqual([0, 1, 2, 0])
  })

  it('[BENCH1] a rate is kept over all writers, however soon they are answered', async () => {
    const streams = await written({ writers: 4, streams: 1, seconds: 0.1, rate: 200, openLoop: true })
    expect(streams.map(({ length }) => length)).toEqual([5, 5, 5, 5])
  })

  it('[BENCH2] an append that was due while its writer waited has waited too', async () => {
    const late: number[] = []
    let answer = () => {}
    const held = new Promise<void>((resolve) => {
      answer = resolve
    })
    const pace = { writers: 2, streams: 1, seconds: 0.04, rate: 100, openLoop: true }
    // The first answer to one writer comes with the last append of the other, when its own next one is due.
    const { latencies } = await writeFor(pace, async ({ writer, n, lateMs }) => {
      if (writer === 0 && n === 0) await held
      if (writer === 1 && n === 1) answer()
      if (writer === 0 && n === 1) late.push(lateMs)
      return true
    })
    expect(latencies).toHaveLength(4)
    // Due after 20 ms, and the other's last one after 30.
    expect(late[0]).toBeGreaterThan(5)
    expect(latencies.filter((ms) => ms > 5).length).toBeGreaterThanOrEqual(2)
  })

  it('[BENCH2] what was refused is counted apart', async () => {
    const all = await writeFor(
      { writers: 2, streams: 1, seconds: 0.05, rate: 200, openLoop: true },
      async ({ writer }) => writer === 0,
    )
    expect(all.latencies).toHaveLength(5)
    expect(all.refused).toBe(5)
  })
})

describe('together', () => {
  it('[BENCH2] adds up what several programs wrote at once; percentiles are over all of it', () => {
    const fast = { perSecond: 300, refused: 1, latencies: Array.from({ length: 99 }, () => 1) }
    const slow = { perSecond: 100, refused: 2, latencies: Array.from({ length: 99 }, () => 9) }
    expect(figuresOf(together([fast, slow]))).toEqual([400, 1, 9, 3])
  })
})

describe('eventText', () => {
  it('[BENCH1] is JSON of about 40 bytes and the padding, and says when it was made', () => {
    const before = Number(process.hrtime.bigint()) / 1e6
    const text = eventText(12_345, 160)
    const { n, t } = JSON.parse(text)
    expect(n).toBe(12_345)
    expect(t).toBeGreaterThanOrEqual(before)
    expect(Math.abs(text.length - 200)).toBeLessThan(10)
  })
})
