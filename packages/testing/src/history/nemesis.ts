import { sleep, systemClock } from '@holdfast/protocol'
import type { Deeds } from './deeds/deed.ts'
import { clusterDeeds, serverDeeds } from './deeds/server-deeds.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** How often each harm was done, by name. */
export type Done = Record<string, number>

/** The harm that can be done in this world; of `names` where they are given. */
export function deedsOf({ ground, nodes }: World, names?: readonly string[]): Deeds {
  const all: Deeds = { ...serverDeeds, ...clusterDeeds, ...ground.deeds }
  const possible = Object.entries(all).filter(([, deed]) => (deed.nodes ?? 1) <= nodes.length)
  return Object.fromEntries(possible.filter(([name]) => names?.includes(name) ?? true))
}

/**
 * Does one harm after the other, each sort at least once where there is time, until `end`; when it resolves the
 * servers and their store are well. While only the store is away, the history is told so.
 */
export async function nemesis(world: World, deeds: Deeds, random: Random, end: number): Promise<Done> {
  const done: Done = {}
  const first = random.shuffled(Object.keys(deeds))
  const drawn = Object.entries(deeds).flatMap(([name, { weight }]) => Array<string>(weight).fill(name))
  while (systemClock.now() < end) {
    await sleep(systemClock, random.int(50, 500))
    const name = first.pop() ?? random.pick(drawn)
    const deed = name && deeds[name]
    if (!deed) continue
    done[name] = (done[name] ?? 0) + 1
    world.history.outage(deed.isOutage === true)
    await deed.run(world, random)
    for (const { server } of world.nodes) await server.revive()
  }
  return done
}
