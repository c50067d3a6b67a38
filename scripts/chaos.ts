/**
 * Long runs of the history checker: `npm run chaos -- --ground postgres+redis --nodes 2 --minutes 10 --seed 7`. The
 * ground is `sqlite` (default), `postgres` or `postgres+redis`. Without a seed one is drawn. Each round has the seed of
 * the one before plus one, so a round is seen again by its own seed. The write points come first; with `--minutes 0`
 * they are all. With `--runs 200 --kills 10` there come first, instead, so many runs of four steps, whose servers are
 * killed so many times while they work. `--doors`, `--manners` and `--deeds` name those that are used, by commas; with
 * `--together` servers are harmed while their store is, not in turns with it.
 */
import { parseArgs } from 'node:util'
import {
  GROUNDS,
  type GroundName,
  type RunResult,
  runChaos,
  runHistory,
  runWritePoints,
  shownResult,
} from '@holdfast/testing/history'

const { values } = parseArgs({
  options: {
    ground: { type: 'string', default: 'sqlite' },
    nodes: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    seconds: { type: 'string', default: '20' },
    runs: { type: 'string', default: '0' },
    kills: { type: 'string', default: '10' },
    producers: { type: 'string', default: '6' },
    readers: { type: 'string', default: '6' },
    doors: { type: 'string' },
    manners: { type: 'string' },
    deeds: { type: 'string' },
    together: { type: 'boolean', default: false },
  },
})
const first = wholeNumber('seed', values.seed)
const end = Date.now() + wholeNumber('minutes', values.minutes) * 60_000
const round = {
  seconds: wholeNumber('seconds', values.seconds),
  producers: wholeNumber('producers', values.producers),
  readers: wholeNumber('readers', values.readers),
}
const ways = { ...listed('doors', values.doors), ...listed('manners', values.manners) }
const on = { ground: groundName(values.ground), nodes: wholeNumber('nodes', values.nodes) }

const results: RunResult[] = []
const note = (result: RunResult) => {
  results.push(result)
  console.log(shownResult(result))
}
console.log(`${on.ground}, nodes ${on.nodes}, seed ${first}, ${values.minutes} minutes`)
const runs = wholeNumber('runs', values.runs)
if (runs > 0) note(await runChaos({ seed: first, ...on, runs, kills: wholeNumber('kills', values.kills) }))
else note(await runWritePoints({ seed: first, ...on, ...ways }))
for (let seed = first; Date.now() < end; seed += 1) {
  note(
    await runHistory({ seed, ...round, ...on, ...ways, ...listed('deeds', values.deeds), together: values.together }),
  )
}
const broken = results.filter(({ violations }) => violations.length > 0)
const seeds = broken.map(({ seed }) => seed).join(', ')
console.log(`${results.length} rounds, ${broken.length} with violations${broken.length > 0 ? ` (seeds ${seeds})` : ''}`)
process.exitCode = broken.length > 0 ? 1 : 0

function listed(name: string, value: string | undefined): Record<string, string[]> {
  return value === undefined ? {} : { [name]: value.split(',') }
}

function groundName(value: string): GroundName {
  const name = GROUNDS.find((known) => known === value)
  if (name) return name
  console.error(`--ground is one of ${GROUNDS.join(', ')}, not "${value}"`)
  process.exit(2)
}

function wholeNumber(name: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value)
  console.error(`--${name} is a whole number, not "${value}"`)
  process.exit(2)
}
