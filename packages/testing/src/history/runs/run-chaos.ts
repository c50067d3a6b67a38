import { sleep, systemClock } from '@holdfast/protocol'
import { insist } from '../place.ts'
import { Random } from '../random.ts'
import type { RunResult } from '../run-history.ts'
import { verdict } from '../verdict.ts'
import { World, type WorldOptions } from '../world.ts'
import { RunStarter } from './run-starter.ts'

export interface RunChaosOptions extends WorldOptions {
  seed: number
  /** Runs of four steps, each of which writes a row. Default 200. */
  runs?: number
  /** How often a server is killed while they work. Default 10. */
  kills?: number
  /** How long the runs may take to end after the last kill, in milliseconds. Default 60,000. */
  patienceMs?: number
}

export interface RunChaosResult extends RunResult {
  /** Runs that had been started and had not ended when a server was killed, added up over all kills. */
  hit: number
  /** Of all runs together: as many more than runs as were begun again. */
  attempts: number
}

const STEPS = 4
const STARTERS = 5
// A server lives for longer than any step takes: a run that does not get on in five lives is not tried any more.
const STEP_MS = [20, 120] as const
const LIFE_MS = [150, 400] as const

/**
 * Kills servers while many short runs work on them, and starts them again: a share of the runs is started, and in the
 * midst of it a server is killed, so many times. Then every run may come to its end, the servers are killed once more, and
 * all that is left is checked. The seed decides what the runs do, who is killed and when; which of two things at once
 * comes first, the machine decides.
 */
export async function runChaos(options: RunChaosOptions): Promise<RunChaosResult> {
  const { seed, runs = 200, kills = 10, patienceMs = 60_000 } = options
  const random = new Random(seed)
  await using world = await World.open(random.fork(), options)
  const begun = systemClock.now()
  const starters = makeStarters(world, random)
  const starting: Promise<void>[] = []
  let hit = 0
  for (let kill = 0; kill < kills; kill += 1) {
    starting.push(startShare(starters, random, Math.floor((runs * (kill + 1)) / (kills + 1)) - started(world)))
    await sleep(systemClock, random.int(...LIFE_MS))
    hit += await atWork(world)
    await killOne(world, random)
  }
  starting.push(startShare(starters, random, runs - started(world)))
  await Promise.all(starting)
  await awaitEnds(world, patienceMs)
  const seconds = ((systemClock.now() - begun) / 1000).toFixed(1)
  const { attempts } = await totals(world)
  const violations = await verdict(world, [])
  const { ground = 'sqlite', nodes = 1 } = options
  return {
    ...{ seed, violations, hit, attempts },
    summary: `${runs} runs of ${STEPS} steps on ${ground}, nodes ${nodes}: ${kills} kills met ${hit} runs, ${attempts} attempts, ${seconds} s`,
    again: `--ground ${ground} --nodes ${nodes} --seed ${seed} --runs ${runs} --kills ${kills} --minutes 0`,
  }
}

function makeStarters({ place, history }: World, random: Random): RunStarter[] {
  const common = { place, history, onStarted: () => {}, stop: new AbortController().signal }
  return Array.from(
    { length: STARTERS },
    (_, index) => new RunStarter({ ...common, name: `c${index}`, random: random.fork() }),
  )
}

function started({ history }: World): number {
  return history.runs.length
}

/** Starts so many runs, spread over all who start; each is asked for until it is answered. */
async function startShare(starters: readonly RunStarter[], random: Random, count: number): Promise<void> {
  const wanted = Array.from({ length: count }, () => ({
    steps: STEPS,
    pauseMs: random.int(...STEP_MS),
    heedless: random.chance(0.5),
  }))
  // Each starter counts its own: all of them are asked for at once.
  await Promise.all(wanted.map((work, index) => starters[index % starters.length]?.start(work)))
}

async function killOne({ nodes }: World, random: Random): Promise<void> {
  const { server } = random.pick(nodes)
  await server.kill()
  await sleep(systemClock, random.int(0, 100))
  await server.startAgain()
}

/** Waits until every run has ended; one that never does is for the check to find. */
async function awaitEnds(world: World, patienceMs: number): Promise<void> {
  const end = systemClock.now() + patienceMs
  while ((await atWork(world)) > 0 && systemClock.now() < end) await sleep(systemClock, 50)
}

/** Runs that were started and have not ended. */
async function atWork(world: World): Promise<number> {
  return started(world) - (await totals(world)).ended
}

async function totals({ place }: World): Promise<{ ended: number; attempts: number }> {
  return JSON.parse((await insist(place, { path: '/test/runs/totals' })).text)
}
