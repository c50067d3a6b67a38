/**
 * Holdfast on SQLite, on PostgreSQL with NOTIFY and on PostgreSQL with Redis, with one node and with two, beside
 * Socket.IO with its Redis streams adapter; all in one run on one machine.
 *
 *   npm ci --prefix bench/cluster/peers        once: the peers have their own lock file
 *   node bench/cluster.ts [--section floor,log,http,latency,sql,cancel] [--seconds 2] [--write]
 *
 * Prints tables with ratios and aims; `--write` puts them into bench/cluster.md, in place of the earlier ones of the same
 * sections. Starts a PostgreSQL and two Redis of its own; needs redis-server. `--seconds`: how long each figure is
 * measured; all of it takes about seven minutes with two.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { NO_REDIS, redisServer } from '../packages/testing/src/redis.ts'
import { cancel } from './cluster/sections/cancel.ts'
import { floor } from './cluster/sections/floor.ts'
import { http } from './cluster/sections/http.ts'
import { latency } from './cluster/sections/latency.ts'
import { log } from './cluster/sections/log.ts'
import type { ClusterSettings } from './cluster/sections/shapes.ts'
import { sql } from './cluster/sections/sql.ts'
import { startStores } from './cluster/stores.ts'
import { load, machine, peersOf, render, updateFile } from './streams/report.ts'
import { demandPeers, runSections } from './streams/run-sections.ts'
import type { Section } from './streams/sections/section.ts'

const SECTIONS: Record<string, (settings: ClusterSettings) => Promise<Section>> = {
  floor,
  log,
  http,
  latency,
  sql,
  cancel,
}

const { values } = parseArgs({
  options: {
    section: { type: 'string', default: Object.keys(SECTIONS).join(',') },
    seconds: { type: 'string', default: '2' },
    write: { type: 'boolean', default: false },
  },
})
const names = values.section.split(',')
const seconds = Number(values.seconds)
if (names.some((name) => !Object.hasOwn(SECTIONS, name)) || !(seconds > 0)) {
  console.error(`usage: node bench/cluster.ts [--section ${Object.keys(SECTIONS).join(',')}] [--seconds 2] [--write]`)
  process.exit(1)
}
demandPeers(new URL('cluster/peers/', import.meta.url), 'bench/cluster/peers')
const redis = redisServer()
if (redis === null) {
  console.error(NO_REDIS)
  process.exit(1)
}
const loadBefore = load()
await using stores = await startStores()
const sections = await runSections(SECTIONS, names, { stores, seconds })
const [redisVersion] = /v=[\d.]+/.exec(execFileSync(redis, ['--version'], { encoding: 'utf8' })) ?? ['v=?']
const head = [
  '# Grounds and nodes, side by side',
  '',
  `Written by \`node bench/cluster.ts --write\`: ${machine()} at the`,
  `end (${loadBefore} before the start; the programs that make the load, PostgreSQL and Redis included: they share the cores with the nodes).`,
  `${stores.described}; Redis ${redisVersion.slice(2)}; ${await peersOf(new URL('cluster/peers/package.json', import.meta.url))}.`,
  `Each figure is of one measurement of ${seconds} seconds, latencies of ${seconds * 2}, with servers and a database of its own, after a second to warm up.`,
].join('\n')
console.log(render(head, sections))
if (values.write) await updateFile(new URL('cluster.md', import.meta.url), head, sections)
