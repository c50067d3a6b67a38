import { sleep, systemClock } from '@holdfast/protocol'
import type { History, ToldRun } from '../history.ts'
import { ask, codeOf, type Place } from '../place.ts'
import type { Random } from '../random.ts'
import { type WorkAsked, work } from './work.ts'

export interface RunStarterOptions {
  name: string
  place: Place
  history: History
  random: Random
  /** Told of each run that was acknowledged. */
  onStarted: (run: ToldRun) => void
  /** No more runs; what was asked is asked to its end. */
  stop: AbortSignal
}

// As for appends.
const ANSWER_MS = 30_000
const RETRIED = new Set(['UNAVAILABLE', 'OUTCOME_UNKNOWN', 'STORAGE_FULL', '503'])

type Said = { type: 'ok' } | { type: 'refused'; code: string; wasUnknown: boolean } | { type: 'unknown' }

/** Somebody who starts runs, one after the other, cancels some of them, and remembers what was said to that. */
export class RunStarter {
  readonly #options: RunStarterOptions
  #count = 0

  constructor(options: RunStarterOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { random, stop } = this.#options
    while (!stop.aborted) {
      const told = await this.start({
        steps: random.int(1, 12),
        pauseMs: random.int(0, 250),
        heedless: random.chance(0.5),
      })
      if (told.started === 'ok' && random.chance(0.4)) {
        await sleep(systemClock, random.int(0, 1500), stop).catch(() => {})
        await this.#cancel(told)
      }
      await sleep(systemClock, random.int(100, 1500), stop).catch(() => {})
    }
  }

  /** Starts one run, and asks until it is told what became of that. */
  async start(wanted: Omit<WorkAsked, 'id'>): Promise<ToldRun> {
    const { name, history, onStarted } = this.#options
    this.#count += 1
    const id = `${name}-${this.#count}`
    const asked: WorkAsked = { id, ...wanted }
    const told: ToldRun = { id, stream: work.name({ id }), steps: asked.steps, started: 'open', cancelled: 'not asked' }
    history.runs.push(told)
    const said = await this.#insist('/test/runs', asked)
    // It was there already: by this very start, of which nothing had been heard.
    const isThere = said.type === 'refused' && said.code === 'CONFLICT' && said.wasUnknown
    told.started = said.type === 'ok' || isThere ? 'ok' : said.type === 'unknown' ? 'unknown' : 'fail'
    if (told.started === 'ok') onStarted(told)
    else if (said.type === 'refused') this.#complain(told, `its start was refused: ${said.code}`)
    return told
  }

  async #cancel(told: ToldRun): Promise<void> {
    told.cancelled = 'unknown'
    const said = await this.#insist(`/test/runs/${told.id}/cancel`, {})
    if (said.type === 'ok') told.cancelled = 'ok'
    else if (said.type === 'refused' && said.code === 'ALREADY_ENDED')
      told.cancelled = said.wasUnknown ? 'unknown' : 'late'
    else if (said.type === 'refused') this.#complain(told, `its cancel was refused: ${said.code}`)
  }

  async #insist(path: string, json: unknown): Promise<Said> {
    const { place, random, stop } = this.#options
    const request = {
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(json),
    }
    let end = Number.POSITIVE_INFINITY
    let wasUnknown = false
    for (;;) {
      const answer = await ask(place, request).catch(() => null)
      if (answer && answer.status < 300) return { type: 'ok' }
      const code = answer ? codeOf(answer) : '503'
      if (!RETRIED.has(code)) return { type: 'refused', code, wasUnknown }
      wasUnknown ||= code === '503' || code === 'OUTCOME_UNKNOWN'
      if (stop.aborted) end = Math.min(end, systemClock.now() + ANSWER_MS)
      if (systemClock.now() >= end) return { type: 'unknown' }
      await sleep(systemClock, random.int(10, 150))
    }
  }

  #complain({ stream }: ToldRun, text: string): void {
    this.#options.history.complaints.push({ stream, text })
  }
}
