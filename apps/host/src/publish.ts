import { randomUUID } from 'node:crypto'
import { addAbortSignal } from 'node:stream'
import { RequestError } from '@holdfast/client'
import { readCommandLine, usageStop } from './command-line.ts'
import { readConfig } from './config.ts'
import { listenForInterrupts } from './interrupts.ts'
import { demandServer, followRecord, terminalWorld } from './local-server.ts'
import { Publisher } from './publisher.ts'
import { Stop } from './stop.ts'
import { streamPath } from './stream-path.ts'
import { printable } from './text-width.ts'

const USAGE = `holdfast publish <stream> [<event> …] [--seal] [--json]

  Appends events to a stream of the server that runs on DATA_DIR, each of them JSON; makes the stream where there is
  none. Without an event on the command line they are read from standard input, one a line. A lost connection is taken
  up again, and nothing is appended twice.

  <stream>   its name, for instance notes/today; streams of an app take only what it declares
  <event>    for instance '{"type":"noted","text":"kelp"}'
  --seal     ends the stream after them: nothing can be appended any more
  --json     one line at the end: {"type":"published","events":…,"offset":…,"sealed":…}

  Exit codes: 0 all of it is on disk, 1 it is not, 2 wrong usage, 130 Ctrl-C
`

/** `holdfast publish`: appends to a stream of the running server. Answers the exit code. */
export async function publish(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    name: 'publish',
    usage: USAGE,
    options: { seal: { type: 'boolean' } },
    positionals: ['<stream>'],
    rest: true,
  })
  const [name = '', ...events] = positionals
  const path = streamPath('publish', name)
  events.forEach((event, index) => {
    if (!isJson(event)) throw usageStop('publish', `event ${index + 1} is not JSON: ${printable(event.slice(0, 80))}`)
  })
  const { dataDir } = readConfig(process.env, process.cwd())
  const interrupts = listenForInterrupts({ process })
  const server = await demandServer(dataDir)
  const publisher = new Publisher({
    world: terminalWorld(followRecord(dataDir, server)),
    path,
    producerId: `holdfast-publish-${randomUUID()}`,
    signal: interrupts.signal,
    onRetry: (attempt, ms) =>
      process.stderr.write(`holdfast: not answered, trying again (attempt ${attempt}, in ${Math.ceil(ms / 1000)} s)\n`),
  })
  const done = { type: 'published', events: 0, offset: '', sealed: values.seal === true }
  try {
    await publishAll(publisher, events.length > 0 ? [events] : linesOfInput(interrupts.signal), done)
  } catch (error) {
    if (interrupts.signal.aborted) return interrupts.exitCode
    if (!(error instanceof RequestError)) throw error
    // Those of the command line go together or not at all.
    throw new Stop(`${error.message} (${error.code})${events.length > 0 ? '' : appendedBefore(done.events)}`)
  }
  process.stdout.write(values.json === true ? `${JSON.stringify(done)}\n` : summary(name, done))
  return interrupts.exitCode
}

type Done = { type: string; events: number; offset: string; sealed: boolean }

async function publishAll(
  publisher: Publisher,
  batches: Iterable<string[]> | AsyncIterable<string[]>,
  done: Done,
): Promise<void> {
  for await (const batch of batches) {
    for (const [index, line] of batch.entries()) {
      if (isJson(line)) continue
      throw new Stop(
        `event ${done.events + index + 1} is not JSON: ${printable(line.slice(0, 80))}${appendedBefore(done.events)}`,
      )
    }
    done.offset = await publisher.append(batch)
    done.events += batch.length
  }
  if (done.sealed) done.offset = await publisher.append([], { seal: true })
}

/** The lines of standard input, those of one read together: a line that comes alone goes alone. Empty ones are none. */
async function* linesOfInput(signal: AbortSignal): AsyncGenerator<string[]> {
  if (process.stdin.isTTY) process.stderr.write('holdfast: one event a line, each JSON; Ctrl-D ends\n')
  let rest = ''
  for await (const part of addAbortSignal(signal, process.stdin.setEncoding('utf8'))) {
    const lines = `${rest}${part}`.split('\n')
    rest = lines.pop() ?? ''
    const batch = lines.filter((line) => line.trim() !== '')
    if (batch.length > 0) yield batch
  }
  if (rest.trim() !== '') yield [rest]
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function appendedBefore(events: number): string {
  return `; ${count(events)} before that ${events <= 1 ? 'is' : 'are'} on disk`
}

function summary(name: string, { events, offset, sealed }: Done): string {
  if (offset === '') return 'Nothing to append.\n'
  return `${count(events)} appended to ${printable(name)}, which ${sealed ? 'has ended' : 'stands'} at ${offset}.\n`
}

function count(events: number): string {
  return events === 0 ? 'no event' : events === 1 ? '1 event' : `${events} events`
}
