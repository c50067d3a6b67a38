import { readConfig } from './config.ts'
import { Stop } from './stop.ts'

const USAGE = `holdfast: a server for work that people wait for

  holdfast serve                  run the server (PORT, HOST, DATA_DIR … see docs/configuration.md)
  holdfast ingest <path or URL>   ingest a folder, file, page or repository, and watch it
  holdfast tail <stream>          follow a stream's events
  holdfast help

Every command takes --json and --help.
`

/** The command's words, each with its program; loaded when it is asked for, so that none pays for the others. */
async function main(args: readonly string[]): Promise<number> {
  const [command = 'help', ...rest] = args
  switch (command) {
    case 'serve': {
      const { serve } = await import('./serve.ts')
      await serve(readConfig(process.env, process.cwd()))
      return 0
    }
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(USAGE)
      return 0
    default:
      void rest
      throw new Stop(`there is no command "${command}"; holdfast help lists them`, 2)
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const message = error instanceof Stop ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`holdfast: ${message}\n`)
  process.exit(error instanceof Stop ? error.exitCode : 1)
}
