import { sleep, systemClock } from '@holdfast/protocol'
import type { Deeds } from './deeds/deed.ts'
import { clusterDeeds, serverDeeds } from './deeds/server-deeds.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** How often each harm was done, by name. */
export type Done = Record<string, number>

export interface HarmOptions {
  /** The harm that is done, by name; absent: all that can be. */
  names: readonly string[] | undefined
  /** Harm to the servers comes while harm is done to their store, not in turns with it. */
  together: boolean
  until: number
}

/**
 * Does one harm after the other, each sort at least once where there is time; when it resolves the servers and their
 * store are well. While only the store is away, the history is told so.
 */
export async function doHarm(world: World, random: Random, { names, together, until }: HarmOptions): Promise<Done> {
  const toServers: Deeds = { ...serverDeeds, ...clusterDeeds }
  const kinds = together ? [toServers, world.ground.deeds] : [{ ...toServers, ...world.ground.deeds }]
  const harm = kinds.map((deeds) => {
    const possible = Object.entries(deeds).filter(([, deed]) => (deed.nodes ?? 1) <= world.nodes.length)
    const chosen = Object.fromEntries(possible.filter(([name]) => names?.includes(name) ?? true))
    return nemesis(world, chosen, random.fork(), until, !together)
  })
  const done: Done = Object.assign({}, ...(await Promise.all(harm)))
  for (const { server } of world.nodes) await server.revive()
  return done
}

async function nemesis(world: World, deeds: Deeds, random: Random, end: number, isAlone: boolean): Promise<Done> {
  const done: Done = {}
  const first = random.shuffled(Object.keys(deeds))
  const drawn = Object.entries(deeds).flatMap(([name, { weight }]) => Array<string>(weight).fill(name))
  while (systemClock.now() < end) {
    await sleep(systemClock, random.int(50, 500))
    const name = first.pop() ?? random.pick(drawn)
    const deed = name && deeds[name]
    if (!deed) continue
    done[name] = (done[name] ?? 0) + 1
    world.history.outage(isAlone && deed.isOutage === true)
    await deed.run(world, random)
    if (isAlone) for (const { server } of world.nodes) await server.revive()
  }
  return done
}
