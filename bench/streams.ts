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
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { render, update } from './streams/report.ts'
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
if (!existsSync(new URL('streams/peers/node_modules', import.meta.url))) {
  console.error('The peers are not installed: npm ci --prefix bench/streams/peers')
  process.exit(1)
}
const sections: Section[] = []
for (const name of names) {
  process.stderr.write(`${name} `)
  const section = await SECTIONS[name]?.({ rounds, quick: values.quick })
  if (section) sections.push(section)
  process.stderr.write('\n')
}
console.log(await render(sections, rounds))
if (values.write) {
  const file = new URL('streams.md', import.meta.url)
  const earlier = await readFile(file, 'utf8').catch(() => '')
  await writeFile(file, await update(earlier, sections, rounds))
}
