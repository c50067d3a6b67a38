import { fileURLToPath } from 'node:url'
import closeWithGrace from 'close-with-grace'
import { ensurePageBuilt } from '../../../scripts/build-page.ts'
import type { Config } from './config.ts'
import { createLogger } from './logger.ts'
import { startServer } from './start-server.ts'
import { style } from './terminal.ts'

const INTERRUPT_MS = 5_000
const TERMINATE_MS = 30_000

/** `holdfast serve`: runs until it is told to stop. */
export async function serve(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel)
  const { stdout } = process
  const server = await startServer(config, {
    logger,
    page: () => builtPage((line) => stdout.write(`${line}\n`)),
    onFatal: (error) => {
      // What could not be written must not be acknowledged by anything that still runs.
      logger.fatal({ err: error }, 'the store failed; the process ends')
      process.exit(1)
    },
  })
  stdout.write(`
  ${style.bold('Holdfast')} is ready at ${style.accent(server.url)}

  Open this link once in your browser; it signs you in as the operator:
  ${server.operatorLink}

  Files and the database stand in ${config.dataDir}
  Folders you may ingest by path: ${config.ingestRoots.join(', ')}
  Ctrl-C stops; work in progress goes on at the next start.

`)
  const closing = closeWithGrace({ delay: TERMINATE_MS, logger: false }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'an error nobody caught')
    if (signal === 'SIGINT') setTimeout(() => process.exit(1), INTERRUPT_MS).unref()
    if (signal) stdout.write('\n  Closing …\n')
    await server.close()
    if (signal) stdout.write('  Closed. Nothing is lost.\n')
  })
  process.once('exit', () => closing.uninstall())
}

async function builtPage(onProgress: (line: string) => void): Promise<string> {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  return (await ensurePageBuilt({ root, onProgress })).folder
}
