import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Clock, sleep, systemClock } from './clock.ts'

/** Timers that go when they are told to; `size` is how many wait. */
function handClock() {
  const tasks = new Set<() => void>()
  const clock: Clock = {
    now: () => 0,
    after(_, task) {
      tasks.add(task)
      return () => tasks.delete(task)
    },
  }
  const run = () => {
    for (const task of tasks) task()
    tasks.clear()
  }
  return { clock, run, tasks }
}

describe('sleep', () => {
  it('[TIME1] resolves when its time has come', async () => {
    const { clock, run, tasks } = handClock()
    const { signal } = new AbortController()
    const slept = sleep(clock, 5, signal)
    expect(tasks.size).toBe(1)
    run()
    await expect(slept).resolves.toBeUndefined()
    await expect(sleep(systemClock, 0)).resolves.toBeUndefined()
  })

  it('[TIME1] is called off by its signal, before and while it waits, and leaves no timer', async () => {
    const { clock, tasks } = handClock()
    const controller = new AbortController()
    const slept = sleep(clock, 5, controller.signal)
    controller.abort(new Error('enough'))
    await expect(slept).rejects.toThrow('enough')
    await expect(sleep(clock, 5, controller.signal)).rejects.toThrow('enough')
    expect(tasks.size).toBe(0)
  })
})

describe('the real clock', () => {
  afterEach(() => void vi.useRealTimers())

  it('[TIME2] waits longer than a timer of the platform can, and can be called off on the way', () => {
    vi.useFakeTimers()
    const days = 24 * 3_600_000
    const done: string[] = []
    systemClock.after(60 * days, () => done.push('task'))
    const callOff = systemClock.after(60 * days, () => done.push('called off'))
    vi.advanceTimersByTime(59 * days)
    callOff()
    expect(done).toEqual([])
    vi.advanceTimersByTime(1 * days)
    expect(done).toEqual(['task'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
