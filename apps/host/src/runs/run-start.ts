import { text } from 'node:stream/consumers'
import type { RunSummary } from '@holdfast/protocol/runs'
import { readCommandLine, usageStop } from '../command-line.ts'
import { printable } from '../text-width.ts'
import { EXIT, jsonLine, readJson, readNumber, type Terminal, withServer } from './open-client.ts'
import type { RunStart } from './run-client.ts'
import { readRevision } from './run-commands.ts'
import { USAGE } from './run-usage.ts'
import { watchRun } from './run-watch.ts'

/** `holdfast run start`: starts a run, once however often it had to be asked. */
export async function start(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    name: 'run',
    usage: USAGE,
    options: {
      input: { type: 'string' },
      key: { type: 'string' },
      queue: { type: 'string' },
      priority: { type: 'string' },
      delay: { type: 'string' },
      version: { type: 'string' },
      watch: { type: 'boolean' },
    },
    positionals: ['<kind>'],
  })
  const { key, queue, priority, delay, version } = values
  const asked: Omit<RunStart, 'key'> = {
    name: positionals[0] ?? '',
    input: await readInput(values.input ?? '{}'),
    ...(queue === undefined ? {} : { queue }),
    ...(priority === undefined ? {} : { priority: readNumber('run', '--priority', priority) }),
    ...(delay === undefined ? {} : { delaySeconds: readNumber('run', '--delay', delay, 0) }),
    ...(version === undefined ? {} : { version: readNumber('run', '--version', version, 1) }),
  }
  return withServer('run', values.json === true, async (terminal) => {
    const run = await terminal.client.start({ ...asked, key: key ?? terminal.newId() })
    return told(terminal, run, values.watch === true)
  })
}

/** `holdfast run retry`: a new run that tries another one again. */
export async function retry(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    name: 'run',
    usage: USAGE,
    options: {
      from: { type: 'string' },
      input: { type: 'string' },
      revision: { type: 'string' },
      watch: { type: 'boolean' },
    },
    positionals: ['<id>'],
  })
  const { from = 'failed', input } = values
  if (from !== 'failed' && from !== 'start') {
    throw usageStop('run', `--from is not right: "${printable(from)}" is neither failed nor start`)
  }
  const body = { from, ...(input === undefined ? {} : { input: await readInput(input) }) }
  const revision = readRevision(values.revision)
  return withServer('run', values.json === true, async (terminal) => {
    const run = await terminal.client.retry(positionals[0] ?? '', body, { id: terminal.newId(), ...revision })
    return told(terminal, run, values.watch === true)
  })
}

async function told(terminal: Terminal, run: RunSummary, isWatched: boolean): Promise<number> {
  const { json, print } = terminal
  if (json) print(jsonLine('started', run))
  // Alone on stdout, so that a shell can take it.
  else if (!isWatched) {
    print(`${run.id}\n`)
    process.stderr.write(`Started ${printable(run.name)}. Watch it: npx holdfast run watch ${run.id}\n`)
  }
  return isWatched ? watchRun(terminal, run.id) : EXIT.ok
}

async function readInput(given: string): Promise<unknown> {
  return readJson('run', '--input', given === '-' ? await text(process.stdin) : given)
}
