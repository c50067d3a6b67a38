import type { Problem } from '@holdfast/protocol'
import { readCommandLine, usageStop } from './command-line.ts'
import { readConfig } from './config.ts'
import type { ServerRecord } from './data-dir.ts'
import { demandServer } from './local-server.ts'
import { Stop } from './stop.ts'
import { printable } from './text-width.ts'

const USAGE = `holdfast token --scope <scope> … [--subject <id>] [--expires-in <seconds>] [--json]

  Makes a token at the server that runs on DATA_DIR, and prints it. Whoever has it may do what its scopes say until it
  expires, and renew it with POST /api/auth/token.

  --scope        read:, append: or manage:, then the name of a stream, a name and /* for all below it too, or * for
                 everything; may be given several times. For instance 'read:projects/p1/*'
  --subject      whom it is for: an id of a user, or services/<name>; without it the operator
  --expires-in   seconds, at most 3600; without it 900
  --json         one line: {"type":"token","token":…,"tokenType":"Bearer","subject":…,"scope":[…],"expiresAt":…}

  Exit codes: 0 made, 1 it was not, 2 wrong usage
`

const ANSWER_WITHIN_MS = 30_000

interface Asked {
  scope: string[]
  subject?: string
  expiresIn?: number
}

interface Made {
  token: string
  subject: string
  scope: string[]
  expiresAt: string
}

/** `holdfast token`: makes a token for somebody. Answers the exit code. */
export async function token(args: readonly string[]): Promise<number> {
  const { values } = readCommandLine(args, {
    name: 'token',
    usage: USAGE,
    options: {
      scope: { type: 'string', multiple: true },
      subject: { type: 'string' },
      'expires-in': { type: 'string' },
    },
    positionals: [],
  })
  const { scope, subject, 'expires-in': expiresIn } = values
  if (!scope) throw usageStop('token', '--scope is missing')
  const seconds = expiresIn === undefined ? undefined : Number(expiresIn)
  if (seconds !== undefined && !(Number.isInteger(seconds) && seconds > 0)) {
    throw usageStop('token', `--expires-in ${printable(expiresIn ?? '')} is no number of seconds`)
  }
  const { dataDir } = readConfig(process.env, process.cwd())
  const server = await demandServer(dataDir)
  const made = await make(server, {
    scope,
    ...(subject === undefined ? {} : { subject }),
    ...(seconds === undefined ? {} : { expiresIn: seconds }),
  })
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify({ type: 'token', ...made })}\n`)
  } else {
    // Alone on stdout, so that a shell can take it.
    process.stdout.write(`${made.token}\n`)
    process.stderr.write(
      `For ${printable(made.subject)}, until ${made.expiresAt}: ${printable(made.scope.join(' '))}\n`,
    )
  }
  return 0
}

async function make(server: ServerRecord, asked: Asked): Promise<Made> {
  const response = await ask(server, asked)
  if (response.ok) return (await response.json()) as Made
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
  const what = `${printable(problem.detail ?? `the server answered ${response.status}`)} (${problem.code ?? 'UNKNOWN'})`
  throw problem.code === 'INVALID_INPUT' ? usageStop('token', what) : new Stop(what)
}

async function ask({ url, token }: ServerRecord, asked: Asked): Promise<Response> {
  try {
    return await fetch(`${url}/api/auth/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(asked),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    })
  } catch {
    throw new Stop(`the server at ${url} did not answer`)
  }
}
