/**
 * Runs beside their peers, in one run on one machine: BullMQ on Redis, pg-boss on PostgreSQL, OpenWorkflow on SQLite and
 * on PostgreSQL; ours on SQLite and on PostgreSQL.
 *
 *   npm ci --prefix bench/runs/peers        once: the peers have their own lock file
 *   node bench/runs.ts [--section floor,latency,throughput,idle,memory] [--contender "Holdfast, SQLite"] … [--quick] [--write]
 *
 * Prints tables with ratios and aims; `--write` puts them into bench/runs.md, in place of the earlier ones of the same
 * sections. Starts a PostgreSQL and Redis servers of its own; needs redis-server and Linux. All of it takes about twelve
 * minutes.
 */
import { execFileSync } from 'node:child_process'
import { getPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { NO_REDIS, redisServer } from '../packages/testing/src/redis.ts'
import { floor } from './cluster/sections/floor.ts'
import { CONTENDERS } from './runs/contenders.ts'
import { idle } from './runs/sections/idle.ts'
import { latency } from './runs/sections/latency.ts'
import { memory } from './runs/sections/memory.ts'
import type { RunSettings } from './runs/sections/settings.ts'
import { throughput } from './runs/sections/throughput.ts'
import { startRunStores } from './runs/stores.ts'
import { load, machine, peersOf, render, updateFile } from './streams/report.ts'
import { demandPeers, runSections } from './streams/run-sections.ts'
import type { Section } from './streams/sections/section.ts'

const SECTIONS: Record<string, (settings: RunSettings) => Promise<Section>> = {
  // What the disk gave at that moment: nobody's durable figures can be better.
  floor: ({ stores }) => floor({ stores, seconds: 2 }),
  latency,
  throughput,
  idle,
  memory,
}

const { values } = parseArgs({
  options: {
    section: { type: 'string', default: Object.keys(SECTIONS).join(',') },
    contender: { type: 'string', multiple: true, default: CONTENDERS.map(({ name }) => name) },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const names = values.section.split(',')
const contenders = CONTENDERS.filter(({ name }) => values.contender.includes(name))
if (names.some((name) => !Object.hasOwn(SECTIONS, name)) || contenders.length < values.contender.length) {
  console.error(`usage: node bench/runs.ts [--section ${Object.keys(SECTIONS).join(',')}] [--quick] [--write]`)
  console.error(`       [--contender "${CONTENDERS.map(({ name }) => name).join('"] [--contender "')}"]`)
  process.exit(1)
}
demandPeers(new URL('runs/peers/', import.meta.url), 'bench/runs/peers')
const redis = redisServer()
if (redis === null) {
  console.error(NO_REDIS)
  process.exit(1)
}
const loadBefore = load()
await using stores = await startRunStores()
const sections = await runSections(SECTIONS, names, { stores, contenders, quick: values.quick })
const [redisVersion] = /v=[\d.]+/.exec(execFileSync(redis, ['--version'], { encoding: 'utf8' })) ?? ['v=?']
const head = [
  '# Runs, side by side',
  '',
  `Written by \`node bench/runs.ts --write\`: ${machine()} at the`,
  `end (${loadBefore} before the start; PostgreSQL and Redis included: they share the cores with the contenders${priority()}).`,
  `SQLite with synchronous FULL; ${stores.described}; Redis ${redisVersion.slice(2)} with an append-only file.`,
  `${await peersOf(new URL('runs/peers/package.json', import.meta.url))}.`,
  'Each contender starts its runs and works on them in one process of its own, which has nothing else to do; every figure',
  'is of one measurement in a new process on a new store. Durable: what was acknowledged is on disk.',
].join('\n')
console.log(render(head, sections))
if (values.write) await updateFile(new URL('runs.md', import.meta.url), head, sections)

/** Where other programs were to have less of the machine, that is said. */
function priority(): string {
  const niceness = getPriority()
  return niceness === 0 ? '' : `; all of them at niceness ${niceness}, before whatever else runs here`
}
