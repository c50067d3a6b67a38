import { sleep, systemClock } from '@holdfast/protocol'
import type { WritePoint } from './faulty-database.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** What was done to the server and its lines, by name. */
export type Deeds = Record<string, number>

type Deed = (world: World, random: Random) => Promise<void>

const MOMENTS: readonly WritePoint['moment'][] = ['before', 'within', 'durable', 'told']

const DEEDS: Record<string, { weight: number; deed: Deed }> = {
  cut: {
    weight: 5,
    async deed({ proxy }, random) {
      for (let cuts = random.int(1, 4); cuts > 0; cuts -= 1) {
        proxy.cut(random, random.pick([0.2, 0.5, 1]))
        await sleep(systemClock, random.int(10, 80))
      }
    },
  },
  kill: {
    weight: 2,
    async deed({ server }, random) {
      await server.kill()
      await sleep(systemClock, random.int(0, 100))
      await server.start()
    },
  },
  'kill at a write': {
    weight: 3,
    async deed({ server }, random) {
      server.killAt({ commit: random.int(1, 20), moment: random.pick(MOMENTS), statement: random.int(0, 3) })
      await Promise.race([server.ended(), sleep(systemClock, 2000)])
      // Nobody wrote so much in that time.
      await server.kill()
      await server.start()
    },
  },
  drain: {
    weight: 1,
    async deed({ server }) {
      await server.drain()
      await server.start()
    },
  },
  stall: {
    weight: 2,
    async deed({ proxy }, random) {
      const resume = proxy.stall(random, 0.5)
      await sleep(systemClock, random.int(50, 800))
      resume()
    },
  },
  'full disk': {
    weight: 2,
    async deed({ server, proxy }, random) {
      await server.setDisk(true)
      await sleep(systemClock, random.int(50, 400))
      if (random.chance(0.5)) proxy.cut(random, 0.5)
      await sleep(systemClock, random.int(0, 200))
      await server.setDisk(false)
    },
  },
}

const NAMES = Object.entries(DEEDS).flatMap(([name, { weight }]) => Array<string>(weight).fill(name))

/** Does one harm after the other, each sort at least once, until `end`; when it resolves the server is well. */
export async function nemesis(world: World, random: Random, end: number): Promise<Deeds> {
  const deeds: Deeds = {}
  const first = random.shuffled(Object.keys(DEEDS))
  while (first.length > 0 || systemClock.now() < end) {
    await sleep(systemClock, random.int(50, 500))
    const name = first.pop() ?? random.pick(NAMES)
    deeds[name] = (deeds[name] ?? 0) + 1
    await DEEDS[name]?.deed(world, random)
    await world.server.revive()
  }
  return deeds
}
