import { sleep, systemClock } from '@holdfast/protocol'
import type { WritePoint } from '../faulty-database.ts'
import type { Deeds } from './deed.ts'

const MOMENTS: readonly WritePoint['moment'][] = ['before', 'within', 'durable', 'told']

/** What befalls servers and their lines to clients, on every ground: one node at a time. */
export const serverDeeds: Deeds = {
  cut: {
    weight: 5,
    async run({ nodes }, random) {
      for (let cuts = random.int(1, 4); cuts > 0; cuts -= 1) {
        random.pick(nodes).proxy.cut(random, random.pick([0.2, 0.5, 1]))
        await sleep(systemClock, random.int(10, 80))
      }
    },
  },
  kill: {
    weight: 2,
    async run({ nodes }, random) {
      const { server } = random.pick(nodes)
      await server.kill()
      await sleep(systemClock, random.int(0, 100))
      await server.startAgain()
    },
  },
  'kill at a write': {
    weight: 3,
    async run({ nodes }, random) {
      const { server } = random.pick(nodes)
      server.killAt({ commit: random.int(1, 20), moment: random.pick(MOMENTS), statement: random.int(0, 3) })
      await Promise.race([server.ended(), sleep(systemClock, 2000)])
      // Nobody wrote so much in that time.
      await server.kill()
      await server.startAgain()
    },
  },
  drain: {
    weight: 1,
    async run({ nodes }, random) {
      const { server } = random.pick(nodes)
      await server.drain()
      await server.startAgain()
    },
  },
  stall: {
    weight: 2,
    async run({ nodes }, random) {
      const resume = random.pick(nodes).proxy.stall(random, 0.5)
      await sleep(systemClock, random.int(50, 800))
      resume()
    },
  },
}

/** Where there are two: one is dead, or stands still, for longer than the other waits for it. */
export const clusterDeeds: Deeds = {
  'kill for long': {
    weight: 2,
    nodes: 2,
    async run({ nodes, leaseMs }, random) {
      const { server } = random.pick(nodes)
      await server.kill()
      await sleep(systemClock, leaseMs * random.pick([0.5, 1.5]))
      await server.startAgain()
    },
  },
  stop: {
    weight: 3,
    nodes: 2,
    async run({ nodes, leaseMs }, random) {
      const resume = random.pick(nodes).server.pause()
      await sleep(systemClock, leaseMs * random.pick([0.2, 1.3, 2.5]))
      resume()
      // What it makes of the time it has missed is not the next deed's doing.
      await sleep(systemClock, 500)
    },
  },
}
