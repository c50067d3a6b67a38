import { HoldfastError } from '@holdfast/protocol'
import type { TestWorldOptions } from '@holdfast/testing'

type App = Awaited<ReturnType<TestWorldOptions['apps']>>[number]
type RunDefinition = NonNullable<Awaited<ReturnType<App['setup']>>['runs']>[number]
type RunContext = Parameters<RunDefinition['run']>[0]

/** What a survey is given. */
export interface SurveyInput {
  places: { name: string }[]
  /** Asked before the report is written. */
  question?: string
  /** Waits for a word of this name before the report is written. */
  word?: string
  /** Surveys it starts and waits for, of one place each. */
  children?: string[]
}

/** How the world is that surveys are made in: a test holds, breaks and mends it while they go on. */
export class Survey {
  readonly #held = new Map<string, PromiseWithResolvers<void>>()
  readonly #broken = new Map<string, HoldfastError>()
  readonly #doubtful = new Set<string>()
  /** Places that were visited, in order, each time. */
  readonly visited: string[] = []
  /** What runs were told meanwhile. */
  readonly heard: unknown[] = []

  /** Nobody comes away from there until it is let go. */
  hold(...places: string[]): void {
    for (const place of places) this.#held.set(place, Promise.withResolvers())
  }

  letGo(...places: string[]): void {
    for (const place of places) {
      this.#held.get(place)?.resolve()
      this.#held.delete(place)
    }
  }

  /** A visit there fails like that, until it is mended. */
  break(place: string, error: HoldfastError): void {
    this.#broken.set(place, error)
  }

  mend(place: string): void {
    this.#broken.delete(place)
    this.#doubtful.delete(place)
  }

  /** Of a visit there nobody knows whether it was made. */
  doubt(place: string): void {
    this.#doubtful.add(place)
  }

  async visit(place: string, signal: AbortSignal): Promise<{ place: string; seals: number }> {
    this.visited.push(place)
    const held = this.#held.get(place)
    if (held) await Promise.race([held.promise, aborted(signal)])
    const error = this.#broken.get(place)
    if (error) throw error
    if (this.#doubtful.has(place)) throw new Error('the line went dead')
    return { place, seals: place.length }
  }

  isDoubtful(place: string): boolean {
    return this.#doubtful.has(place)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** An app with one kind of run, `survey`, in the world of a test. */
export function surveyApp(survey: Survey): App {
  const definition = {
    name: 'survey',
    version: 1,
    phases: { visit: 80, report: 20 },
    stepRetry: { attempts: 2, minMs: 300, maxMs: 300 },
    input: surveyInput,
    run: (context: RunContext) => makeSurvey(survey, context),
  } satisfies RunDefinition
  return { name: 'survey', streams: [], migrations: [], setup: () => ({ runs: [definition] }) }
}

async function makeSurvey(survey: Survey, context: RunContext): Promise<unknown> {
  const { places, question, word, children = [] } = context.input as SurveyInput
  const total = places.length
  context.log('info', `A survey of ${total} places.`)
  for (const [index, { name }] of places.entries()) {
    context.progress({ phase: 'visit', done: index, total, unit: 'places', message: name })
    await context.step(`visit ${name}`, (step) => survey.visit(name, step.signal), {
      input: name,
      effect: survey.isDoubtful(name) ? 'unsafe' : 'idempotent',
      ...(name.startsWith('island') && { provider: 'ferry' }),
    })
    for (const { payload } of await context.received('steer', `at ${name}`)) {
      survey.heard.push(payload)
      context.log('warn', `Told: ${(payload as { message: string }).message}`)
    }
  }
  for (const [index, place] of children.entries()) {
    const input = { places: [{ name: place }] }
    const id = await context.start(`child ${index}`, childOf(survey), input)
    await context.ended(id)
  }
  const answer = word === undefined ? null : await context.waitFor(word, { question: 'How many copies?' })
  const approval = question === undefined ? null : await context.waitFor('approval', { question })
  context.progress({ phase: 'report', done: 0, total: 1, unit: 'reports' })
  await context.step('write report', async () => ({ pages: total }))
  return { places: total, answer: answer?.payload ?? null, approval: approval?.payload ?? null }
}

function childOf(survey: Survey): RunDefinition {
  return {
    name: 'survey',
    version: 1,
    input: surveyInput,
    run: (context: RunContext) => makeSurvey(survey, context),
  }
}

type Issue = { message: string; path: (string | number)[] }

/** Every place has a name; said of the field where it has none. */
const surveyInput = {
  '~standard': {
    version: 1 as const,
    vendor: 'holdfast',
    validate(value: unknown): { value: SurveyInput } | { issues: Issue[] } {
      const { places } = (value ?? {}) as { places?: unknown }
      if (!Array.isArray(places)) return { issues: [{ message: 'a list is expected', path: ['places'] }] }
      const issues = places.flatMap((place: unknown, index): Issue[] =>
        typeof (place as { name?: unknown } | null)?.name === 'string'
          ? []
          : [{ message: 'a name is expected', path: ['places', index, 'name'] }],
      )
      return issues.length > 0 ? { issues } : { value: value as SurveyInput }
    },
  },
}

/** That Apollo's like says that there is nothing left. */
export function noCredits(): HoldfastError {
  return new HoldfastError('FORBIDDEN', 'The harbour office gives no more permits until 1 December.')
}
