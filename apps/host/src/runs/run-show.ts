import type { RunAttempt, RunDetails, StepView } from '@holdfast/protocol/runs'
import { readCommandLine } from '../command-line.ts'
import { style } from '../terminal.ts'
import { printable } from '../text-width.ts'
import { EXIT, jsonLine, type Terminal, withServer } from './open-client.ts'
import { ageOf } from './run-list.ts'
import { USAGE } from './run-usage.ts'
import { type Column, tableText } from './table.ts'
import {
  count,
  doneText,
  duration,
  faultText,
  leftText,
  painted,
  rateText,
  statusWord,
  took,
  waitText,
} from './words.ts'

const STEPS = 500
/** To people: those that need a look, and the newest of the others. */
const STEPS_SHOWN = 20
const LONGEST_VALUE = 400

/** `holdfast run show`. */
export async function show(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    name: 'run',
    usage: USAGE,
    options: {},
    positionals: ['<id>'],
  })
  const [id = ''] = positionals
  return withServer('run', values.json === true, (terminal) => showRun(terminal, id))
}

async function showRun({ client, json, print, columns, world, url }: Terminal, id: string): Promise<number> {
  const run = await client.run(id)
  const steps: StepView[] = []
  for await (const step of client.steps(id, STEPS)) steps.push(step)
  if (json) {
    print(jsonLine('run', run))
    for (const step of steps) print(jsonLine('step', step))
    return EXIT.ok
  }
  const now = world.clock.now()
  print(factsText(run, now))
  const shown = stepsShown(steps)
  if (shown.length > 0) print(`\n${tableText(STEP_COLUMNS(now), shown, columns)}`)
  const hidden = steps.length - shown.length
  if (hidden > 0) print(style.dim(`And ${count(hidden)} ${steps.length === STEPS ? 'or more ' : ''}that are done.\n`))
  if (run.attempts.length > 1) print(`\n${tableText(ATTEMPTS(now), run.attempts, columns)}`)
  print(`\nPage: ${url}/work/${encodeURIComponent(run.id)}\n`)
  return EXIT.ok
}

function stepsShown(steps: readonly StepView[]): StepView[] {
  const others = steps.filter(({ status }) => status === 'done').slice(-STEPS_SHOWN)
  return steps.filter((step) => step.status !== 'done' || others.includes(step)).slice(-2 * STEPS_SHOWN)
}

/** Answers in this order: what is it, how is it going, what is wrong, what can be done. */
function factsText(run: RunDetails, now: number): string {
  const status = painted(run.status, statusWord(run))
  const lines = [
    `${style.bold(printable(run.name))} ${style.dim(`version ${run.version}, queue ${printable(run.queue)}`)}  ${printable(run.id)}`,
    `${status}, ${run.endedAt === null ? '' : 'took '}${duration(ageOf(run, now))}${run.attempt > 1 ? `, attempt ${run.attempt}` : ''}`,
  ]
  const { progress } = run
  if (progress) {
    const left = progress.left === null ? '' : leftText(progress.left)
    // Of one that has ended, how fast it was is no news, and nothing is left.
    const going = run.endedAt === null ? [rateText(progress), left] : []
    const words = [progress.phase && printable(progress.phase), doneText(progress), ...going]
    lines.push([`${Math.floor(progress.percent)} %`, ...words].filter(Boolean).join(', '))
  }
  if (run.error) lines.push(style.failed(faultText(run.error)))
  for (const wait of run.waits) lines.push(`It ${waitText(wait, run.id, now)}`)
  if (run.waits.length === 0 && run.why !== null) lines.push(printable(run.why))
  lines.push(...linksOf(run).map(([title, text]) => `${style.dim(title)} ${text}`))
  return `${lines.join('\n')}\n`
}

function linksOf(run: RunDetails): [string, string][] {
  const links: [string, string | null][] = [
    ['Input', valueText(run.input)],
    ['Result', run.status === 'done' && run.result !== null ? valueText(run.result) : null],
    ['Tries again', run.retryOf],
    ['Tried again by', run.retriedBy],
    ['Started by', run.parentId],
    [
      'Runs it started',
      run.children.length > 0 ? run.children.map(({ id, status }) => `${id} (${status})`).join(', ') : null,
    ],
    ['Worker', run.worker],
    ['Takes now', run.commands.length > 0 ? run.commands.join(', ') : null],
    ['Revision', String(run.revision)],
  ]
  return links.flatMap(([title, text]) => (text === null ? [] : [[title, printable(text)] as [string, string]]))
}

export function valueText(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
}

const between = (from: string, to: string | null, now: number) =>
  took((to === null ? now : Date.parse(to)) - Date.parse(from))

const STEP_COLUMNS = (now: number): Column<StepView>[] => [
  { title: 'STEP', text: ({ key }) => printable(key) },
  { title: 'STATUS', text: stepWord },
  { title: 'TRIES', text: ({ tries }) => count(tries), right: true },
  { title: 'TOOK', text: ({ startedAt, endedAt }) => between(startedAt, endedAt, now), right: true },
  // Of one that a person decided to be done, what was wrong before is over.
  { title: 'ERROR', text: ({ status, error }) => (error && status !== 'done' ? faultText(error) : '') },
]

/** Of one that has neither an end nor an error nobody said that it failed: its worker went. */
function stepWord({ status, reused, endedAt, error }: StepView): string {
  if (reused) return 'Reused'
  return status === 'failed' && endedAt === null && error === null ? style.waiting('Cut off') : STEP_WORDS[status]
}

const STEP_WORDS: Record<StepView['status'], string> = {
  working: 'Working',
  done: 'Done',
  failed: style.failed('Failed'),
  unknown: style.waiting('To decide'),
}

const ATTEMPT_WORDS: Record<RunAttempt['outcome'], string> = {
  working: 'Working',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
  waiting: 'Waited',
  lost: 'Lost',
  given_back: 'Given back',
  crashed: 'Crashed',
}

const ATTEMPTS = (now: number): Column<RunAttempt>[] => [
  { title: 'ATTEMPT', text: ({ attempt }) => count(attempt), right: true },
  { title: 'OUTCOME', text: ({ outcome }) => ATTEMPT_WORDS[outcome] },
  { title: 'TOOK', text: ({ startedAt, endedAt }) => between(startedAt, endedAt, now), right: true },
  { title: 'WORKER', text: ({ worker }) => printable(worker) },
  { title: 'ERROR', text: ({ error }) => (error ? faultText(error) : '') },
]
