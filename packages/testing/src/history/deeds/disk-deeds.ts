import { sleep, systemClock } from '@holdfast/protocol'
import type { Deeds } from './deed.ts'

/** What befalls a store that is a file. */
export const diskDeeds: Deeds = {
  'full disk': {
    weight: 2,
    async run({ nodes }, random) {
      const { server, proxy } = random.pick(nodes)
      await server.setDisk(true)
      await sleep(systemClock, random.int(50, 400))
      if (random.chance(0.5)) proxy.cut(random, 0.5)
      await sleep(systemClock, random.int(0, 200))
      await server.setDisk(false)
    },
  },
}
