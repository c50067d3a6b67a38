import { type ClientWorld, RequestError } from '@holdfast/client'
import { OFFSET_NOW, OFFSET_START, type Offset, parseOffset } from '@holdfast/protocol'
import { readCommandLine, usageStop } from './command-line.ts'
import { readConfig } from './config.ts'
import { describeReconnecting, followStream } from './follow-stream.ts'
import { listenForInterrupts } from './interrupts.ts'
import { demandServer, followRecord, terminalWorld } from './local-server.ts'
import { Stop } from './stop.ts'
import { streamPath } from './stream-path.ts'
import { style } from './terminal.ts'
import { printable } from './text-width.ts'

const USAGE = `holdfast tail <stream> [--from <offset>|start|now] [--json]

  Follows a stream of the server that runs on DATA_DIR: one event a line, until the stream is sealed or you press
  Ctrl-C. A lost connection is taken up again where it was.

  <stream>   its name, for instance operators/projects or projects/<id>/ingestions/<id>
  --from     start (everything, the default), now (only what is new), or an offset to go on after
  --json     lines of {"offset": …, "event": …}

  Exit codes: 0 the stream has ended, 1 it could not be read, 2 wrong usage, 130 Ctrl-C
`

/** `holdfast tail`: follows any stream of the running server. Answers the exit code. */
export async function tail(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    name: 'tail',
    usage: USAGE,
    options: { from: { type: 'string' } },
    positionals: ['<stream>'],
  })
  const stream = positionals[0] ?? ''
  const path = streamPath('tail', stream)
  const from = readFrom(values.from ?? 'start')
  const { dataDir } = readConfig(process.env, process.cwd())
  const interrupts = listenForInterrupts({ process })
  const server = await demandServer(dataDir)
  const world = terminalWorld(followRecord(dataDir, server))
  const print = values.json === true ? jsonLine : humanLine
  try {
    const contentType = await checkReadable(world, `${path}?offset=${encodeURIComponent(from)}`, interrupts.signal)
    const isText = contentType.startsWith('text/')
    await followStream({
      world,
      stream,
      from,
      onEvent: (event, offset) => void process.stdout.write(print(isText ? decoded(event) : event, offset)),
      onConnection: (connection) => {
        const said = connection.retryAt === null ? null : describeReconnecting(connection, Date.now())
        if (said) process.stderr.write(`holdfast: ${said}\n`)
      },
      signal: interrupts.signal,
    })
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    throw new Stop(`${error.message} (${error.code})`)
  }
  return interrupts.exitCode
}

/** Asks whether it can be read from there, whatever it holds; answers its media type. Throws RequestError. */
async function checkReadable(world: ClientWorld, path: string, signal: AbortSignal): Promise<string> {
  const answer = await world.fetch(world.baseUrl + path, { signal }).catch((error) => {
    signal.throwIfAborted()
    throw RequestError.unreachable(error)
  })
  if (!answer.ok) throw RequestError.fromBody(answer.status, await answer.text())
  await answer.body?.cancel()
  return answer.headers.get('content-type') ?? ''
}

/** What is not JSON comes in base64; text is shown as what it says. */
function decoded(event: unknown): unknown {
  return typeof event === 'string' ? Buffer.from(event, 'base64').toString() : event
}

function readFrom(text: string): Offset {
  if (text === 'start') return OFFSET_START
  if (text === 'now') return OFFSET_NOW
  if (parseOffset(text) !== null) return text
  throw usageStop('tail', `--from is not right: "${printable(text)}" is neither start, now nor an offset`)
}

function jsonLine(event: unknown, offset: Offset): string {
  return `${JSON.stringify({ offset, event })}\n`
}

function humanLine(event: unknown): string {
  // Streams nobody defined hold whatever their writers liked.
  if (!isEvent(event)) return `${shortValue(event)}\n`
  const { type, timestamp, ...fields } = event
  const time = typeof timestamp === 'string' ? timestamp.slice(11, 19) : '        '
  const told = Object.entries(fields).map(([name, value]) => `${style.dim(`${name}=`)}${shortValue(value)}`)
  return `${style.dim(time)}  ${style.bold(printable(type))}  ${told.join(' ')}\n`
}

function isEvent(value: unknown): value is { type: string; timestamp?: unknown } {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

const LONGEST_VALUE = 200

function shortValue(value: unknown): string {
  const text = printable(typeof value === 'string' ? value : JSON.stringify(value))
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
}
