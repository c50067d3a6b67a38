import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Help } from './command-line.ts'
import { Stop } from './stop.ts'

const USAGE = `holdfast: a server for work that people wait for

  holdfast serve                  run the server (PORT, HOST, DATA_DIR … see docs/configuration.md)
  holdfast ingest <path or URL>   ingest a folder, file, page or repository, and watch it
  holdfast run <what to do>       list, start, watch and command runs
  holdfast queue                  see queues and providers; pause and limit them
  holdfast tail <stream>          follow a stream's events
  holdfast publish <stream>       append events to a stream
  holdfast token --scope <scope>  make a token for somebody
  holdfast help

Every command takes --json and --help.
`

/** The command's words, each with its program; loaded when it is asked for, so that none pays for the others. */
async function main(args: readonly string[]): Promise<void> {
  const [command = 'help', ...rest] = args
  switch (command) {
    case 'serve': {
      const { serve } = await import('./serve.ts')
      return serve(rest)
    }
    case 'ingest': {
      const { ingest } = await import('./ingest/ingest.ts')
      return end(await ingest(rest))
    }
    case 'run': {
      const { run } = await import('./runs/run.ts')
      return end(await run(rest))
    }
    case 'queue': {
      const { queue } = await import('./runs/queue.ts')
      return end(await queue(rest))
    }
    case 'tail': {
      const { tail } = await import('./tail.ts')
      return end(await tail(rest))
    }
    case 'publish': {
      const { publish } = await import('./publish.ts')
      return end(await publish(rest))
    }
    case 'token': {
      const { token } = await import('./token.ts')
      return end(await token(rest))
    }
    case 'help':
    case '--help':
    case '-h':
      throw new Help(USAGE)
    default:
      throw new Stop(`there is no command "${command}"; npx holdfast help lists them`, 2)
  }
}

/** Ends at once when everything is written: an idle connection kept for the next request holds nobody up. */
function end(code: number): void {
  process.stdout.write('', () => process.exit(code))
}

function fail(error: unknown): void {
  if (error instanceof Help) {
    process.stdout.write(error.usage)
    return
  }
  const isStop = error instanceof Stop
  process.stderr.write(`holdfast: ${isStop ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(isStop ? error.exitCode : 1)
}

// Compiled sources are kept from one start to the next, which halves it. Beside the code they were made of, where only
// who may change that code may write; where nobody may, it starts without.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/holdfast', import.meta.url)))
await main(process.argv.slice(2)).catch(fail)
