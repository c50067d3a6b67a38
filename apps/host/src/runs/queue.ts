import type { ProviderView, QueuesView, QueueView, RunSummary } from '@holdfast/protocol/runs'
import { readCommandLine, usageStop } from '../command-line.ts'
import { style } from '../terminal.ts'
import { printable } from '../text-width.ts'
import { EXIT, jsonLine, readNumber, type Terminal, withServer } from './open-client.ts'
import { type Column, tableText } from './table.ts'
import { count, duration, statusWord } from './words.ts'

const USAGE = `holdfast queue [--json]
holdfast queue entries <name> [--limit <n>] [--json]
holdfast queue pause|resume <name> [--provider] [--json]
holdfast queue limit <name> <n>|none [--provider] [--json]

  The queues of the server that runs on DATA_DIR: how many runs wait and work in each, and the providers that steps wait
  for. Without more, all of them.

  entries      what waits in a queue, in its order, and why it does not work yet
  pause        nothing more of it begins; what works goes on
  resume       it goes on
  limit        so many of it work at the same time, on all servers together; none takes the limit away
  --provider   <name> is a provider, whose limit counts steps
  --limit      of entries: how many are shown, 50 without it
  --json       a line for each: {"type":"queue"|"provider"|"worker"|"entry",…}

  Exit codes: 0 done, 1 it was not, 2 wrong usage
`

const OPTIONS = { provider: { type: 'boolean' }, limit: { type: 'string' } } as const

/** `holdfast queue`: shows queues and providers, and sets them. Answers the exit code. */
export async function queue(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    name: 'queue',
    usage: USAGE,
    options: OPTIONS,
    positionals: [],
    rest: true,
  })
  const [word, name, value, ...more] = positionals
  const json = values.json === true
  const kind = values.provider === true ? 'provider' : 'queue'
  if (more.length > 0 || (value !== undefined && word !== 'limit')) {
    throw usageStop('queue', `"${printable(more[0] ?? value ?? '')}" is one argument too many`)
  }
  if (word === undefined) return withServer('queue', json, showAll)
  if (!WORDS.includes(word)) throw usageStop('queue', `there is no "queue ${printable(word)}"`)
  if (name === undefined) throw usageStop('queue', '<name> is missing')
  if (word === 'entries') {
    const limit = readNumber('queue', '--limit', values.limit ?? '50', 1)
    return withServer('queue', json, (terminal) => showEntries(terminal, name, limit))
  }
  const change = word === 'limit' ? { concurrency: readLimit(value) } : { paused: word === 'pause' }
  return withServer('queue', json, async (terminal) => {
    await terminal.client.setLimit(kind, name, change)
    return showChanged(terminal, kind, name)
  })
}

const WORDS: readonly string[] = ['entries', 'pause', 'resume', 'limit']

/** `null`: none. */
function readLimit(text: string | undefined): number | null {
  if (text === undefined) throw usageStop('queue', '<n> is missing')
  if (text === 'none') return null
  const limit = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(limit)) return limit
  throw usageStop('queue', `"${printable(text)}" is neither a whole number nor none`)
}

async function showAll({ client, json, print, columns, world }: Terminal): Promise<number> {
  const { queues, providers, workers } = await client.queues()
  if (json) {
    for (const one of queues) print(jsonLine('queue', one))
    for (const one of providers) print(jsonLine('provider', one))
    for (const one of workers) print(jsonLine('worker', one))
    return EXIT.ok
  }
  const now = world.clock.now()
  print(
    queues.length === 0
      ? 'No queue yet: there is one for each kind of run.\n'
      : tableText(QUEUES(now), queues, columns),
  )
  if (providers.length > 0) print(`\n${tableText(PROVIDERS, providers, columns)}`)
  if (workers.length > 0) print(`\n${tableText(WORKERS(now), workers, columns)}`)
  return EXIT.ok
}

async function showEntries({ client, json, print, columns }: Terminal, name: string, limit: number): Promise<number> {
  const entries: RunSummary[] = []
  for await (const run of client.entries(name, limit)) entries.push(run)
  if (json) for (const run of entries) print(jsonLine('entry', run))
  else if (entries.length === 0) print(`Nothing waits in ${printable(name)}.\n`)
  else print(tableText(ENTRIES, entries, columns))
  return EXIT.ok
}

/** How it stands after it was set. */
async function showChanged(
  { client, json, print }: Terminal,
  kind: 'queue' | 'provider',
  name: string,
): Promise<number> {
  const all = await client.queues()
  const list: readonly (QueueView | ProviderView)[] = kind === 'queue' ? all.queues : all.providers
  const view = list.find((one) => one.name === name)
  if (view === undefined) {
    if (!json) print(`The ${kind} ${printable(name)} is set; nothing of it is there.\n`)
    return EXIT.ok
  }
  if (json) print(jsonLine(kind, view))
  else print(`${changedText(kind, view)}\n`)
  return EXIT.ok
}

function changedText(
  kind: 'queue' | 'provider',
  { name, paused, concurrency, working }: QueueView | ProviderView,
): string {
  const what = `The ${kind} ${printable(name)}`
  const units = kind === 'queue' ? 'runs' : 'steps'
  if (paused)
    return `${what} is paused. ${count(working)} at work ${working === 1 ? 'goes' : 'go'} on; nothing more begins.`
  const most = concurrency === null ? `as many ${units} as there is room for` : `at most ${count(concurrency)} ${units}`
  return `${what} is open: ${most} at the same time, ${count(working)} now.`
}

type Worker = QueuesView['workers'][number]

const state = ({ paused }: QueueView | ProviderView) => (paused ? style.waiting('Paused') : 'Open')
const working = ({ working, concurrency }: QueueView | ProviderView) =>
  concurrency === null ? count(working) : `${count(working)} of ${count(concurrency)}`

const QUEUES = (now: number): Column<QueueView>[] => [
  { title: 'QUEUE', text: ({ name }) => printable(name) },
  { title: 'STATE', text: state },
  { title: 'QUEUED', text: ({ queued }) => count(queued), right: true },
  { title: 'WORKING', text: working, right: true },
  { title: 'WAITING', text: ({ waiting }) => count(waiting), right: true },
  { title: 'FAILED', text: ({ failed }) => (failed > 0 ? style.failed(count(failed)) : '0'), right: true },
  {
    title: 'OLDEST',
    text: ({ oldestDueAt }) => (oldestDueAt === null ? '' : `due for ${duration(now - Date.parse(oldestDueAt))}`),
  },
]

const PROVIDERS: Column<ProviderView>[] = [
  { title: 'PROVIDER', text: ({ name }) => printable(name) },
  { title: 'STATE', text: state },
  { title: 'WORKING', text: working, right: true },
  { title: 'WAITING', text: ({ waiting }) => count(waiting), right: true },
]

const WORKERS = (now: number): Column<Worker>[] => [
  { title: 'WORKER', text: ({ id }) => printable(id) },
  { title: 'WORKING', text: (worker) => count(worker.working), right: true },
  { title: 'SEEN', text: ({ seenAt }) => `${duration(now - Date.parse(seenAt))} ago` },
  { title: 'KINDS', text: ({ kinds }) => kinds.map(({ name, version }) => `${printable(name)} ${version}`).join(', ') },
]

const ENTRIES: Column<RunSummary>[] = [
  { title: 'PLACE', text: ({ position }) => (position === null ? '-' : count(position)), right: true },
  { title: 'RUN', text: ({ id }) => printable(id) },
  { title: 'KIND', text: ({ name }) => printable(name) },
  { title: 'STATUS', text: (run) => statusWord(run) },
  { title: 'PRIORITY', text: ({ priority }) => String(priority), right: true },
  { title: 'WHY', text: ({ why }) => printable(why ?? '') },
]
