import { type ParseArgsConfig, parseArgs } from 'node:util'
import { Stop } from './stop.ts'

type Options = NonNullable<ParseArgsConfig['options']>

export interface CommandLine<Known extends Options> {
  /** The command's word, for its messages. */
  name: string
  /** What `--help` prints. */
  usage: string
  options: Known
  /** What the positional arguments are called, in order; each of them has to be given. */
  positionals: readonly string[]
  /** Whether any number of arguments may follow those. Default false. */
  rest?: boolean
}

const COMMON = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } as const

/** Printed instead of doing anything: `--help` was asked for. */
export class Help {
  readonly usage: string

  constructor(usage: string) {
    this.usage = usage
  }
}

/** Reads a command's arguments. Throws Help for `--help`, and a Stop with exit code 2 for anything not understood. */
export function readCommandLine<const Known extends Options>(args: readonly string[], command: CommandLine<Known>) {
  const options = { ...command.options, ...COMMON }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    if (wantsHelp(values)) throw new Help(command.usage)
    checkCount(command, positionals)
    return { values, positionals }
  } catch (error) {
    if (!isParseError(error)) throw error
    // Node's own words, without its advice about arguments that begin with a dash.
    const [what = ''] = error.message.split(/\. |\n/)
    throw usageStop(command.name, what.replace(/\.$/, ''))
  }
}

/** A Stop for arguments that make no sense, in one line. */
export function usageStop(name: string, what: string): Stop {
  return new Stop(`${what}; holdfast ${name} --help tells how it is used`, 2)
}

function checkCount({ name, positionals: wanted, rest }: CommandLine<Options>, given: readonly string[]): void {
  const missing = wanted[given.length]
  if (missing !== undefined) throw usageStop(name, `${missing} is missing`)
  const extra = rest ? undefined : given[wanted.length]
  if (extra !== undefined) throw usageStop(name, `"${extra}" is one argument too many`)
}

// Which options there are is the caller's type parameter; that one is always among them.
function wantsHelp(values: object): boolean {
  return 'help' in values && values.help === true
}

function isParseError(error: unknown): error is Error {
  const code = (error as { code?: unknown } | null)?.code
  return error instanceof Error && typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')
}
