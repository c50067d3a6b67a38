/** Time as an argument, so that no test sleeps. Milliseconds everywhere. */
export interface Clock {
  /** Unix time. */
  now(): number
  /**
   * Runs `task` once after `ms`; returns the way to call it off (harmless when it has run). `keepAlive`: whether a
   * program that has nothing else to do waits for it (default) or ends.
   */
  after(ms: number, task: () => void, options?: { keepAlive?: boolean }): () => void
}

/** The real one. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, task, { keepAlive = true } = {}) {
    let timer: ReturnType<typeof setTimeout>
    const wait = (left: number): void => {
      timer = left > LONGEST_MS ? setTimeout(() => wait(left - LONGEST_MS), LONGEST_MS) : setTimeout(task, left)
      if (!keepAlive) letGo(timer)
    }
    wait(ms)
    return () => clearTimeout(timer)
  },
}

// Timers of the platform hold 31 bits, and run at once where they are given more.
const LONGEST_MS = 2 ** 31 - 1

/** In a browser a timer is a number, and nothing waits for it. */
function letGo(timer: unknown): void {
  const { unref }: { unref?: () => void } = Object(timer)
  unref?.call(timer)
}

/** Resolves after `ms`, or rejects with the signal's reason when that comes first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
