/**
 * Streams beside their peers, in one run: `@durable-streams/server` (file-backed), Socket.IO and bare ws.
 *
 *   npm ci --prefix bench/streams/peers        once: the peers have their own lock file
 *   node bench/streams.ts [--only appends,latency,cpu,memory,resume,length,joining] [--rounds 3] [--quick] [--write]
 *
 * Prints tables with ratios; `--write` puts them into bench/streams.md, in place of the
 * earlier ones of the same sections. Servers and load are programs of their own on
 * the same machine. Linux or macOS; wants about 12,000 open files (`ulimit -n`).
 */
import { parseArgs } from 'node:util'
import { machine, peersOf, render, updateFile } from './streams/report.ts'
import { demandPeers, runSections } from './streams/run-sections.ts'
import { appends } from './streams/sections/appends.ts'
import { cpu } from './streams/sections/cpu.ts'
import { joining } from './streams/sections/joining.ts'
import { latency } from './streams/sections/latency.ts'
import { length } from './streams/sections/length.ts'
import { memory } from './streams/sections/memory.ts'
import { resume } from './streams/sections/resume.ts'
import type { Section, Settings } from './streams/sections/section.ts'

const SECTIONS: Record<string, (settings: Settings) => Promise<Section>> = {
  appends,
  latency,
  cpu,
  memory,
  resume,
  length,
  joining,
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(SECTIONS).join(',') },
    rounds: { type: 'string', default: '3' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const names = values.only.split(',')
const rounds = Number(values.rounds)
const unknown = names.filter((name) => !Object.hasOwn(SECTIONS, name))
if (unknown.length > 0 || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(
    'usage: node bench/streams.ts [--only appends,latency,cpu,memory,resume,length,joining] [--rounds 3] [--quick] [--write]',
  )
  process.exit(1)
}
demandPeers(new URL('streams/peers/', import.meta.url), 'bench/streams/peers')
const sections = await runSections(SECTIONS, names, { rounds, quick: values.quick })
const head = [
  '# Streams, side by side',
  '',
  `Written by \`node bench/streams.ts --write\`: ${machine()} at the`,
  `end (the programs that make the load included: they share the cores with the server). ${await peersOf(new URL('streams/peers/package.json', import.meta.url))}.`,
  `Each figure is the median of ${rounds} round${rounds > 1 ? 's' : ''} with the servers taking turns; memory, resume, length and joining are measured once.`,
].join('\n')
console.log(render(head, sections))
if (values.write) await updateFile(new URL('streams.md', import.meta.url), head, sections)
