/**
 * What the page costs: bytes, requests, memory, and time until something is on the screen. The real server and the
 * system's Chromium, both on this machine.
 *
 *   node bench/page.ts [--loads 10] [--events 600] [--only <text>] [--json]
 *
 * Every line is held against its budget (bench/page/budgets.ts); exit code 1 where one is exceeded. `--only` measures
 * those whose name contains the text.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { findChromium, launchChromium, NO_CHROMIUM } from '@holdfast/testing/chromium'
import { FaultProxy } from '@holdfast/testing/fault-proxy'
import type { Browser } from 'playwright-core'
import { clientSize } from './measure/bundle-size.ts'
import { PacedServer } from './measure/paced-server.ts'
import { percentile } from './measure/watcher.ts'
import { BUDGETS, type BudgetName, isKept } from './page/budgets.ts'
import { type FirstScreen, firstScreenScripts, loadFirstScreen, type Throttling } from './page/first-screen.ts'
import { heapOf, measureToScreen, openLivePage, playAnHour, progressEvent } from './page/live-page.ts'

const O18: Throttling = { bitsPerSecond: 10_000_000, latencyMs: 40, cpu: 4 }
const EVENTS_EVERY_MS = 100
const MINUTE_MS = 60_000
// What a page asks for as it opens is not what it asks for while it is live.
const SETTLE_MS = 5_000

interface World {
  browser: Browser
  server: PacedServer
  loads: number
  events: number
}

/** What was measured, and what else is to be known of it. */
interface Figure {
  value: number
  note: string
}

type Measurement = (world: World) => Promise<Figure>

const MEASUREMENTS: Record<BudgetName, Measurement> = {
  'client, gzipped': async () => {
    const { first, whole } = await clientSize()
    return {
      value: first,
      note: `all its exports, minified; ${shown(whole)} with the parts loaded when they are needed`,
    }
  },
  'scripts of the first screen, gzipped': async ({ browser, server }) => {
    const scripts = await firstScreenScripts(browser, server)
    return { value: sum(scripts.map(({ bytes }) => bytes)), note: `${scripts.length} scripts` }
  },
  'requests a minute while live': requestsOfAMinute,
  'heap after an hour of events': async ({ browser, server }) => {
    await using live = await openLivePage(browser, server)
    const before = await heapOf(live.page)
    await playAnHour(live)
    return { value: await heapOf(live.page), note: `${(before / 1e6).toFixed(1)} MB before them` }
  },
  'LCP on this machine, median': async (world) => {
    const screens = await loadTimes(world)
    return {
      value: percentile(
        screens.map(({ lcp }) => lcp),
        0.5,
      ),
      note: timesNote(screens),
    }
  },
  'page load at 10 Mbit/s, 40 ms, CPU x4, mean': async (world) => {
    const screens = await loadTimes(world, O18)
    // Whatever is later: the list that the page is for, or the browser's own event.
    return { value: mean(screens.map(({ listed, loaded }) => Math.max(listed, loaded))), note: timesNote(screens) }
  },
  'event to screen, p99': async ({ browser, server, events }) => {
    await using live = await openLivePage(browser, server)
    const times = await measureToScreen(live, events, EVENTS_EVERY_MS)
    return { value: percentile(times, 0.99), note: `p50 ${percentile(times, 0.5)} ms, ${events} events, 10 a second` }
  },
}

async function loadTimes({ browser, server, loads }: World, throttling?: Throttling): Promise<FirstScreen[]> {
  const screens: FirstScreen[] = []
  for (let load = 0; load < loads; load += 1) screens.push(await loadFirstScreen(browser, server, throttling))
  return screens
}

async function requestsOfAMinute({ browser, server }: World): Promise<Figure> {
  await using proxy = await FaultProxy.open(Number(new URL(server.url).port))
  await using live = await openLivePage(browser, server, { url: proxy.url, token: server.token })
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  const from = Date.now()
  for (let number = 1; Date.now() < from + MINUTE_MS; number += 1) {
    await live.ingestion.append(progressEvent(number, 200))
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const asked = proxy.requests.filter(({ at }) => at >= from)
  const byPath = Map.groupBy(asked, ({ path }) => path.replace(/\?.*$/, ''))
  const note = [...byPath].map(([path, requests]) => `${requests.length} x ${path}`).join(', ')
  return { value: asked.length, note: note || 'one WebSocket, two events a second' }
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
const mean = (values: number[]) => sum(values) / values.length
const rounded = (values: number[]) => `${Math.round(mean(values))} (${Math.round(Math.max(...values))} at most)`

function timesNote(screens: FirstScreen[]): string {
  const [listed, lcp, loaded] = (['listed', 'lcp', 'loaded'] as const).map((key) =>
    rounded(screens.map((of) => of[key])),
  )
  return `${screens.length} loads, ms: list ${listed}, LCP ${lcp}, load event ${loaded}`
}

function print(figures: [BudgetName, Figure][]): void {
  console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), load ${loadavg()[0]?.toFixed(1)}`)
  console.log('\n| | measured | at most | | |\n|---|---|---|---|---|')
  for (const [name, { value, note }] of figures) {
    const { most, unit } = BUDGETS[name]
    const cells = [name, shown(value), `${shown(most)} ${unit}`, isKept(name, value) ? 'kept' : 'EXCEEDED', note]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

const shown = (value: number) => Math.round(value).toLocaleString('en-GB')

async function measure(executable: string, only: string, options: { loads: number; events: number }) {
  await using server = await PacedServer.start()
  // The list of a server that is in use is not empty.
  const first = await server.ingest('Handbook', 3)
  first.letAll()
  const figures: [BudgetName, Figure][] = []
  for (const name of Object.keys(MEASUREMENTS) as BudgetName[]) {
    if (!name.includes(only)) continue
    // A browser each: none has the memory of the one before.
    await using browser = await launchChromium(executable)
    figures.push([name, await MEASUREMENTS[name]({ browser, server, ...options })])
  }
  return figures
}

const { values } = parseArgs({
  options: {
    loads: { type: 'string', default: '10' },
    events: { type: 'string', default: '600' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})
const executable = findChromium(process.env)
if (executable === null) {
  console.error(`Nothing was measured, for ${NO_CHROMIUM}`)
  process.exitCode = 1
} else {
  const figures = await measure(executable, values.only, { loads: Number(values.loads), events: Number(values.events) })
  if (values.json) console.log(JSON.stringify(Object.fromEntries(figures), null, 2))
  else print(figures)
  if (!figures.every(([name, { value }]) => isKept(name, value))) process.exitCode = 1
}
