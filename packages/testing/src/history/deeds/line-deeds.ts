import { sleep, systemClock } from '@holdfast/protocol'
import type { CuttingProxy } from '../cutting-proxy.ts'
import type { Deeds } from './deed.ts'

/** What befalls the lines between nodes and a store of that name. */
export function lineDeeds(store: string, lines: readonly CuttingProxy[]): Deeds {
  return {
    [`cut from ${store}`]: {
      weight: 3,
      isOutage: true,
      async run(_world, random) {
        for (const line of random.chance(0.3) ? lines : [random.pick(lines)]) {
          line.refuse(random.chance(0.7))
          for (let cuts = random.int(1, 3); cuts > 0; cuts -= 1) {
            line.cut(random, random.pick([0.3, 1]))
            await sleep(systemClock, random.int(10, 300))
          }
        }
        await sleep(systemClock, random.pick([0, 200, 2000]))
        for (const line of lines) line.refuse(false)
      },
    },
    [`${store} is silent`]: {
      weight: 3,
      isOutage: true,
      async run(_world, random) {
        const line = random.pick(lines)
        const resume = random.chance(0.3) ? line.stall(random, 1) : line.swallow(random.chance(0.5))
        await sleep(systemClock, random.pick([200, 1000, 3000, 8000]))
        resume()
      },
    },
    [`answers of ${store} lost`]: {
      weight: 3,
      isOutage: true,
      async run(_world, random) {
        for (let times = random.int(1, 5); times > 0; times -= 1) {
          const reset = random.pick(lines).mute()
          await sleep(systemClock, random.int(5, 200))
          reset()
          await sleep(systemClock, random.int(50, 300))
        }
      },
    },
    [`${store} is slow`]: {
      weight: 1,
      isOutage: true,
      async run(_world, random) {
        const line = random.pick(lines)
        line.slow(random.int(20, 200))
        await sleep(systemClock, random.int(300, 1500))
        line.slow(0)
      },
    },
  }
}
