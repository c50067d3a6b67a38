import { flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import closeWithGrace from 'close-with-grace'
import { ensurePageBuilt } from '../../../scripts/build-page.ts'
import { readCommandLine } from './command-line.ts'
import { type Config, readConfig } from './config.ts'
import { listenForInterrupts } from './interrupts.ts'
import { createLogger } from './logger.ts'
import { withoutPassword } from './open-store.ts'
import { type RunningServer, startServer } from './start-server.ts'
import { style } from './terminal.ts'

const INTERRUPT_MS = 5_000
const TERMINATE_MS = 30_000
/** Ours to listen to; of the others `closeWithGrace` knows what they mean. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const USAGE = `holdfast serve [--json]

  Runs the server until it is told to stop. What it is and may is set by the environment (HOST, PORT, DATA_DIR,
  INGEST_ROOTS, OPERATOR_TOKEN and others: docs/configuration.md). It logs to stderr, in lines of JSON.

  --json   a line {"type":"ready", …} on stdout instead of words

  Exit codes: 0 closed as it was told, 1 it could not start, or failed, 2 wrong usage
`

/** `holdfast serve`: runs until it is told to stop. */
export async function serve(args: readonly string[]): Promise<void> {
  const { values } = readCommandLine(args, { name: 'serve', usage: USAGE, options: {}, positionals: [] })
  const config = readConfig(process.env, process.cwd())
  const logger = createLogger(config.logLevel)
  const say = (text: string) => {
    if (values.json !== true) process.stdout.write(text)
  }
  const interrupts = listenForInterrupts({ process, stopsUnread: false })
  const server = await startServer(config, {
    logger,
    page: () => builtPage((line) => say(`${line}\n`)),
    onFatal: (error) => {
      // What could not be written must not be acknowledged by anything that still runs.
      logger.fatal({ err: error }, 'the store failed; the process ends')
      process.exit(1)
    },
  })
  say(readyText(config, server))
  if (values.json === true) process.stdout.write(`${readyLine(config, server)}\n`)
  // A process that is killed would not keep what it compiled.
  setImmediate(() => flushCompileCache())
  const closing = closeWithGrace({ delay: TERMINATE_MS, logger: false, skip: [...SIGNALS] }, async ({ err }) => {
    if (err) logger.fatal({ err }, 'an error nobody caught')
    if (interrupts.cause === 'SIGINT') setTimeout(() => process.exit(1), INTERRUPT_MS).unref()
    if (interrupts.cause) say('\n  Closing …\n')
    await server.close()
    if (interrupts.cause) say('  Closed. Nothing is lost.\n')
  })
  process.once('exit', () => closing.uninstall())
  // Told while it was still starting, maybe.
  if (interrupts.signal.aborted) closing.close()
  else interrupts.signal.addEventListener('abort', () => closing.close())
}

function readyText(config: Config, server: RunningServer): string {
  return `
  ${style.bold('Holdfast')} is ready at ${style.accent(server.url)}

  Open this link in your browser to sign in as the operator; it stays the same, so keep it to yourself:
  ${server.operatorLink}

  ${whereFactsStand(config)}
  Folders you may ingest by path: ${config.ingestRoots.join(', ')}
  Ctrl-C stops; work in progress goes on at the next start.

`
}

function whereFactsStand({ store, dataDir }: Config): string {
  if (store.kind === 'sqlite') return `Files and the database stand in ${dataDir}`
  return `The database is ${withoutPassword(store.url)}; files of this node stand in ${dataDir}`
}

function readyLine({ dataDir, ingestRoots }: Config, { url, operatorLink }: RunningServer): string {
  return JSON.stringify({ type: 'ready', url, operatorLink, dataDir, ingestRoots })
}

async function builtPage(onProgress: (line: string) => void): Promise<string> {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  return (await ensurePageBuilt({ root, onProgress })).folder
}
