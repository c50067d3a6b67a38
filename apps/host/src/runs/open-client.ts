import { randomUUID } from 'node:crypto'
import { type ClientWorld, RequestError } from '@holdfast/client'
import { usageStop } from '../command-line.ts'
import { readConfig } from '../config.ts'
import { type Interrupts, listenForInterrupts } from '../interrupts.ts'
import { demandServer, followRecord, terminalWorld } from '../local-server.ts'
import { Stop } from '../stop.ts'
import { printable } from '../text-width.ts'
import { RunClient } from './run-client.ts'

/** What a command about runs works with. */
export interface Terminal {
  client: RunClient
  world: ClientWorld
  interrupts: Interrupts
  /** Where the server's page is. */
  url: string
  json: boolean
  newId: () => string
  /** Text for stdout; with `--json` it is lines of JSON. */
  print(text: string): void
  /** Columns of the terminal; `null` where stdout is none: nothing is cut there. */
  columns: number | null
}

/** Exit codes of commands about runs; a run that failed has that of what could not be done. */
export const EXIT = { ok: 0, failed: 1, usage: 2, cancelled: 3, conflict: 4 } as const

/**
 * Finds the server on DATA_DIR and lets `command` speak with it. Answers its exit code, or that of the interrupt; a refusal
 * is a Stop: 2 where what was asked makes no sense, 4 where it does not fit how the run stands, else 1.
 */
export async function withServer(
  name: string,
  json: boolean,
  command: (terminal: Terminal) => Promise<number>,
): Promise<number> {
  const { dataDir } = readConfig(process.env, process.cwd())
  const interrupts = listenForInterrupts({ process })
  const server = await demandServer(dataDir)
  const world = terminalWorld(followRecord(dataDir, server))
  const { signal } = interrupts
  const onRetry = (attempt: number, ms: number) =>
    process.stderr.write(`holdfast: not answered, trying again (attempt ${attempt}, in ${Math.ceil(ms / 1000)} s)\n`)
  const { stdout } = process
  const terminal: Terminal = {
    client: new RunClient({ world, signal, onRetry }),
    world,
    interrupts,
    url: server.url,
    json,
    newId: randomUUID,
    print: (text) => void stdout.write(text),
    columns: stdout.isTTY ? (stdout.columns ?? 80) : null,
  }
  try {
    return await command(terminal)
  } catch (error) {
    if (interrupts.signal.aborted) return interrupts.exitCode
    if (!(error instanceof RequestError)) throw error
    throw refusal(name, error)
  }
}

function refusal(name: string, { message, code, kind, errors = [] }: RequestError): Stop {
  // Of most the message says the fields already.
  const told = errors.map(({ field, message: why }) => `${field}: ${why}`).filter((text) => !message.includes(text))
  const what = printable(`${[message, told.join('; ')].filter(Boolean).join(' ')} (${code})`)
  if (code === 'INVALID_INPUT') return usageStop(name, what)
  return new Stop(what, kind === 'conflict' ? EXIT.conflict : EXIT.failed)
}

/** JSON from the command line. A Stop with exit code 2 where it is none. */
export function readJson(command: string, option: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw usageStop(command, `${option} is not JSON: ${printable(text.slice(0, 80))}`)
  }
}

/** A number from the command line. A Stop with exit code 2 where it is none, or smaller than `least`. */
export function readNumber(command: string, option: string, text: string, least = Number.NEGATIVE_INFINITY): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value
  throw usageStop(command, `${option} ${printable(text)} is not right`)
}

export function jsonLine(type: string, fields: object): string {
  return `${JSON.stringify({ type, ...fields })}\n`
}
