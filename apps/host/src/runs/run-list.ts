import type { RunSummary } from '@holdfast/protocol/runs'
import { readCommandLine } from '../command-line.ts'
import { style } from '../terminal.ts'
import { printable } from '../text-width.ts'
import { EXIT, jsonLine, readNumber, type Terminal, withServer } from './open-client.ts'
import type { Query } from './run-client.ts'
import { USAGE } from './run-usage.ts'
import { type Column, tableText } from './table.ts'
import { duration, faultText, painted, statusWord } from './words.ts'

const OPTIONS = {
  status: { type: 'string' },
  kind: { type: 'string' },
  queue: { type: 'string' },
  'waiting-for': { type: 'string' },
  search: { type: 'string' },
  sort: { type: 'string' },
  limit: { type: 'string' },
} as const

/** `holdfast run list`. */
export async function list(args: readonly string[]): Promise<number> {
  const { values } = readCommandLine(args, { name: 'run', usage: USAGE, options: OPTIONS, positionals: [] })
  const limit = readNumber('run', '--limit', values.limit ?? '50', 1)
  const query: Query = {
    status: values.status,
    name: values.kind,
    queue: values.queue,
    wait: values['waiting-for'],
    q: values.search,
    sort: values.sort,
  }
  return withServer('run', values.json === true, (terminal) => showList(terminal, query, limit))
}

async function showList(
  { client, json, print, columns, world }: Terminal,
  query: Query,
  limit: number,
): Promise<number> {
  const runs: RunSummary[] = []
  for await (const run of client.list(query, limit)) {
    if (json) print(jsonLine('run', run))
    else runs.push(run)
  }
  if (json) return EXIT.ok
  print(runs.length === 0 ? 'No runs.\n' : tableText(columnsAt(world.clock.now()), runs, columns))
  return EXIT.ok
}

function columnsAt(now: number): Column<RunSummary>[] {
  return [
    { title: 'RUN', text: ({ id }) => printable(id) },
    { title: 'KIND', text: ({ name }) => printable(name) },
    { title: 'STATUS', text: (run) => painted(run.status, statusWord(run)) },
    { title: 'DONE', text: ({ progress }) => (progress ? `${Math.floor(progress.percent)} %` : ''), right: true },
    { title: 'TOOK', text: (run) => style.dim(duration(ageOf(run, now))), right: true },
    { title: 'WHY', text: ({ why, error }) => (error ? faultText(error) : printable(why ?? '')) },
  ]
}

/** How long it took, or has been at it; before it began, how long it has been there. */
export function ageOf({ createdAt, startedAt, endedAt }: RunSummary, now: number): number {
  return Math.max(0, (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt ?? createdAt))
}
