import type { RunCommandName } from '@holdfast/protocol/runs'
import { readCommandLine, usageStop } from '../command-line.ts'
import { printable } from '../text-width.ts'
import { EXIT, jsonLine, readJson, readNumber, type Terminal, withServer } from './open-client.ts'
import type { Given } from './run-client.ts'
import { USAGE } from './run-usage.ts'
import { statusWord } from './words.ts'

const OPTIONS = {
  revision: { type: 'string' },
  comment: { type: 'string' },
  output: { type: 'string' },
  before: { type: 'string' },
  after: { type: 'string' },
  priority: { type: 'string' },
} as const

type Values = Partial<Record<keyof typeof OPTIONS, string>>

/** What is said to a run. */
interface Saying {
  /** What stands after the run's own path. */
  path: string
  body: object
}

interface Word {
  /** What follows the id. */
  positionals: readonly string[]
  /** Whether the last of them may be left out. */
  isLastOptional?: boolean
  /** The options it has besides --revision. */
  options: readonly (keyof Values)[]
  saying(values: Values, args: readonly string[]): Saying
  /** After the run's id: what it has been told. */
  told: string
}

const plain = (path: RunCommandName, told: string): Word => ({
  positionals: [],
  options: [],
  saying: () => ({ path, body: {} }),
  told,
})

const comment = (path: 'approve' | 'reject', told: string): Word => ({
  positionals: [],
  options: ['comment'],
  saying: (values) => ({ path, body: values.comment === undefined ? {} : { comment: values.comment } }),
  told,
})

const WORDS: Record<string, Word> = {
  cancel: plain('cancel', 'is being cancelled'),
  pause: plain('pause', 'is paused'),
  resume: plain('resume', 'goes on'),
  steer: {
    positionals: ['<message>'],
    options: [],
    saying: (_, [message]) => ({ path: 'steer', body: { message } }),
    told: 'was told',
  },
  approve: comment('approve', 'is approved'),
  reject: comment('reject', 'is rejected'),
  answer: {
    positionals: ['<name>', '<json>'],
    isLastOptional: true,
    options: [],
    saying: (_, [name, json]) => ({
      path: 'signals',
      body: { name, payload: json === undefined ? null : readJson('run', '<json>', json) },
    }),
    told: 'has its answer',
  },
  decide: {
    positionals: ['<step>', 'done|repeat|fail'],
    options: ['output'],
    saying: (values, [step = '', decision = '']) => {
      if (!['done', 'repeat', 'fail'].includes(decision)) {
        throw usageStop('run', `"${printable(decision)}" is neither done, repeat nor fail`)
      }
      const output = values.output === undefined ? {} : { output: readJson('run', '--output', values.output) }
      return { path: `steps/${encodeURIComponent(step)}/decision`, body: { decision, ...output } }
    },
    told: 'is decided',
  },
  move: {
    positionals: [],
    options: ['before', 'after', 'priority'],
    saying: ({ before, after, priority }) => {
      const given = [before, after, priority].filter((value) => value !== undefined)
      if (given.length !== 1) throw usageStop('run', 'one of --before, --after and --priority is wanted')
      if (priority !== undefined) {
        return { path: 'priority', body: { priority: readNumber('run', '--priority', priority) } }
      }
      return { path: 'move', body: before === undefined ? { after } : { before } }
    },
    told: 'has another place',
  },
}

export function isCommandWord(word: string): boolean {
  return Object.hasOwn(WORDS, word)
}

/** `holdfast run cancel` and whatever else is said to one run: durable, and acknowledged, when it ends with 0. */
export async function tell(word: string, args: readonly string[]): Promise<number> {
  const known = WORDS[word]
  if (known === undefined) throw new RangeError(`"${word}" is said to no run`)
  const { positionals: wanted, isLastOptional, options, saying, told } = known
  const { values, positionals } = readCommandLine(args, {
    name: 'run',
    usage: USAGE,
    options: OPTIONS,
    positionals: ['<id>', ...(isLastOptional ? wanted.slice(0, -1) : wanted)],
    rest: isLastOptional === true,
  })
  for (const name of Object.keys(OPTIONS) as (keyof Values)[]) {
    if (name === 'revision' || options.includes(name) || values[name] === undefined) continue
    throw usageStop('run', `run ${word} has no --${name}`)
  }
  const extra = positionals[wanted.length + 1]
  if (extra !== undefined) throw usageStop('run', `"${printable(extra)}" is one argument too many`)
  const [id = '', ...rest] = positionals
  const { path, body } = saying(values, rest)
  const revision = readRevision(values.revision)
  return withServer('run', values.json === true, async (terminal) => {
    const given = { id: terminal.newId(), ...revision }
    return sayTo(terminal, { id, path, body, given, told })
  })
}

async function sayTo(
  { client, json, print }: Terminal,
  { id, path, body, given, told }: Saying & { id: string; given: Given; told: string },
): Promise<number> {
  const receipt = await client.command(id, path, body, given)
  if (json) print(jsonLine('receipt', receipt))
  else print(`${printable(receipt.run.name)} ${printable(id)} ${told}. It stands at: ${statusWord(receipt.run)}.\n`)
  return EXIT.ok
}

/** Of `--revision`. */
export function readRevision(text: string | undefined): Pick<Given, 'revision'> {
  return text === undefined ? {} : { revision: readNumber('run', '--revision', text, 0) }
}
