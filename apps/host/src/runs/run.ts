import { Help, usageStop } from '../command-line.ts'
import { printable } from '../text-width.ts'
import { USAGE } from './run-usage.ts'

/** `holdfast run`: shows runs, starts and watches them, and says things to them. Answers the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const [word, ...rest] = args
  switch (word) {
    case undefined:
      throw usageStop('run', 'what to do is missing: list, show, start, watch, cancel …')
    case '-h':
    case '--help':
      throw new Help(USAGE)
    case 'list': {
      const { list } = await import('./run-list.ts')
      return list(rest)
    }
    case 'show': {
      const { show } = await import('./run-show.ts')
      return show(rest)
    }
    case 'start': {
      const { start } = await import('./run-start.ts')
      return start(rest)
    }
    case 'watch': {
      const { watch } = await import('./run-watch.ts')
      return watch(rest)
    }
    case 'retry': {
      const { retry } = await import('./run-start.ts')
      return retry(rest)
    }
    default: {
      const { isCommandWord, tell } = await import('./run-commands.ts')
      if (isCommandWord(word)) return tell(word, rest)
      throw usageStop('run', `there is no "run ${printable(word)}"`)
    }
  }
}
