import { createHash } from 'node:crypto'
import { type Clock, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { RunFault } from '@holdfast/protocol/runs'
import type { Write } from '../db/database.ts'
import type { Attempt, AttemptWorld } from './attempt.ts'
import { faultOf } from './fault.ts'
import type { RunEventInput } from './journal.ts'
import { DEFAULT_STEP_RETRY, isNotDone, nextTry } from './retry-policy.ts'
import type { StepContext, StepOptions } from './run.ts'
import { type Doing, StepBook } from './step-book.ts'

export interface PartOptions {
  attempt: Attempt
  world: AttemptWorld
  /** On the store's time. */
  clock: Clock
}

// A step that takes longer is told when it begins, and not only when it is done.
const TELL_START_MS = 200

/** The steps of an attempt: each done once, tried again where that helps, never repeated where that could do harm. */
export class Steps {
  readonly #attempt: Attempt
  readonly #world: AttemptWorld
  readonly #clock: Clock
  /** Steps of this attempt: at the first attempt of a run that tries nothing again nothing else can be known. */
  readonly #done = new Set<string>()
  /** With which input each key came in this attempt. */
  readonly #inputs = new Map<string, string>()
  readonly #isFirst: boolean
  readonly #book: StepBook
  readonly #isTold: boolean
  #ofRun: string | null = null

  constructor({ attempt, world, clock }: PartOptions) {
    this.#attempt = attempt
    this.#world = world
    this.#clock = clock
    this.#isFirst = attempt.run.attempt === 1 && attempt.run.rootId === attempt.run.id
    this.#isTold = attempt.definition.tellSteps !== false
    this.#book = new StepBook({ attempt, world, clock })
  }

  /** What the end of the attempt has to see to. */
  get leaves(): { steps: boolean; permits: boolean } {
    return this.#book.leaves
  }

  async do<Output>(
    key: string,
    work: (step: StepContext) => Promise<Output>,
    options: StepOptions<Output>,
  ): Promise<Output> {
    const hash = options.input === undefined ? this.#runHash() : hashOf(options.input)
    const doing: Doing<Output> = { key, hash, work, options, tries: 0 }
    checkKey(key)
    // What is not kept takes nobody's place.
    if (options.keep === undefined) this.#ownKey(key, hash)
    for (let isNew = !this.#isFirst; ; isNew = false) {
      const known = await this.#known(key, hash)
      if (known !== null) return known.output as Output
      if (isNew) doing.tries = await this.#triedBefore(doing)
      else {
        const done = await this.#try(doing)
        if (done) return done.output
      }
    }
  }

  /** A run has one result for each key: the one of another input would take its place, and be done again after a wait. */
  #ownKey(key: string, hash: string): void {
    const other = this.#inputs.get(key)
    if (other === undefined) this.#inputs.set(key, hash)
    else if (other !== hash) {
      const detail = `The step "${key}" was done with another input in this attempt: give each its own key.`
      throw new HoldfastError('CONFLICT', detail)
    }
  }

  /** Of the run's input, which may be large and is the same for all its steps. */
  #runHash(): string {
    this.#ofRun ??= hashOf(this.#attempt.input)
    return this.#ofRun
  }

  /** Sleeps until the time that was fixed when the first attempt came here. */
  async sleep(key: string, ms: number): Promise<void> {
    const until = await this.once(`@sleep:${key}`, () => this.#clock.now() + ms)
    await this.#attempt.waits.until({
      wait: { kind: 'sleep', name: key, until: new Date(until).toISOString() },
      until,
      look: async () => (this.#clock.now() >= until ? true : undefined),
    })
  }

  /** What a part that is no step of the code's own came to; `null` where nothing is remembered under that key. */
  async remembered<Output>(key: string): Promise<{ output: Output } | null> {
    return (await this.#known(key, NO_INPUT)) as { output: Output } | null
  }

  /** Remembers it, in one commit with `writes`; not told as a step. */
  async remember(
    key: string,
    output: unknown,
    writes: readonly Write[],
    events: readonly RunEventInput[] = [],
  ): Promise<void> {
    checkKey(key)
    const { waits } = this.#attempt
    await waits.during(() =>
      this.#book.remembered({ key, hash: NO_INPUT, options: {}, tries: 1 }, output, writes, events),
    )
    this.#done.add(`${key}\0${NO_INPUT}`)
  }

  /** What `make` gives when an attempt comes here for the first time. */
  async once<Output>(key: string, make: () => Output): Promise<Output> {
    const known = await this.remembered<Output>(key)
    if (known) return known.output
    const made = make()
    await this.remember(key, made, [])
    return made
  }

  async #known(key: string, hash: string): Promise<{ output: unknown } | null> {
    const own = `${key}\0${hash}`
    if (this.#isFirst && !this.#done.has(own)) return null
    const attempt = this.#attempt
    const memo = await this.#world.steps.memo(attempt.run, key, hash)
    if (!memo) return null
    if (!this.#done.has(own) && this.#isTold && hash !== NO_INPUT) {
      this.#done.add(own)
      attempt.journal.add({ type: 'step_reused', key, attempt: attempt.run.attempt, run: memo.runId })
      attempt.tellSoon()
    }
    return { output: JSON.parse(memo.output) }
  }

  /** How often it was tried before; waits for a person where nobody knows what became of that. */
  async #triedBefore<Output>(doing: Doing<Output>): Promise<number> {
    const { run } = this.#attempt
    const { key, hash, options } = doing
    if (options.effect === 'unsafe') {
      const open = await this.#world.steps.unsettled(run, key, hash)
      if (open) {
        if (!open.isTold) await this.#book.unknown(doing, 0, open.error)
        await this.#decision(key)
        return 0
      }
    }
    const before = await this.#world.steps.own(run, key)
    if (before?.status !== 'failed') return 0
    if (before.retryAt !== null && before.error) await this.#pause(key, before.retryAt, before.error)
    return before.tries
  }

  /** One try; `null` where another follows. */
  async #try<Output>(doing: Doing<Output>): Promise<{ output: Output } | null> {
    const attempt = this.#attempt
    await this.#unpaused()
    attempt.signal.throwIfAborted()
    doing.tries += 1
    await this.#begin(doing)
    const startedAt = this.#clock.now()
    const writes: Write[] = []
    let output: Output
    try {
      output = await attempt.waits.during(() => this.#work(doing, writes))
    } catch (error) {
      await this.#failed(doing, startedAt, error)
      return null
    }
    const kept = await attempt.waits.during(() => this.#book.done(doing, startedAt, output, writes))
    if (kept) this.#done.add(`${doing.key}\0${doing.hash}`)
    return { output }
  }

  /** A place at the provider, and, of an unsafe step, that it is about to be done: on disk before it is. */
  async #begin<Output>(doing: Doing<Output>): Promise<void> {
    const { waits } = this.#attempt
    const { provider, effect } = doing.options
    if (provider !== undefined) {
      const take = async () => {
        await this.#book.begin(doing)
        return true
      }
      await waits.until({
        wait: { kind: 'provider', name: provider },
        until: null,
        look: () => take().catch(noPlace),
      })
    } else if (effect === 'unsafe') await waits.during(() => this.#book.begin(doing))
  }

  async #work<Output>(doing: Doing<Output>, writes: Write[]): Promise<Output> {
    const attempt = this.#attempt
    const { options, work, tries } = doing
    const timeout = options.timeoutMs === undefined ? null : new AbortController()
    const callOff = timeout && this.#clock.after(options.timeoutMs ?? 0, () => timeout.abort(timeoutOf(doing)))
    const isTold = this.#isTold && options.provider === undefined && options.effect !== 'unsafe'
    const tellStart = isTold ? this.#clock.after(TELL_START_MS, () => this.#book.begun(doing, TELL_START_MS)) : () => {}
    const signal = timeout ? AbortSignal.any([attempt.signal, timeout.signal]) : attempt.signal
    try {
      const working = work({ signal, try: tries, write: (...more) => writes.push(...more) })
      return await (timeout ? Promise.race([working, aborted(timeout.signal)]) : working)
    } finally {
      callOff?.()
      tellStart()
    }
  }

  /** Returns where another try follows, and otherwise throws. */
  async #failed<Output>(doing: Doing<Output>, startedAt: number, error: unknown): Promise<void> {
    const attempt = this.#attempt
    const { key, options, tries } = doing
    const ms = this.#clock.now() - startedAt
    // What was stopped is no failure of the step; of an unsafe one its mark stays, and shows at the next attempt.
    if (attempt.signal.aborted || isOfTheStore(error)) throw error
    if (options.effect === 'unsafe' && !isNotDone(error)) {
      await this.#book.unknown(doing, ms, faultOf(error))
      await this.#decision(key)
      doing.tries = 0
      // Where a person says that it was done, its result is there now.
      this.#done.add(`${key}\0${doing.hash}`)
      return
    }
    const policy = options.retry ?? attempt.definition.stepRetry ?? DEFAULT_STEP_RETRY
    const next = nextTry(policy, { failures: tries, error, random: this.#world.random })
    const fault = faultOf(error)
    const retryAt = next ? this.#clock.now() + next.delayMs : null
    await this.#book.failed(doing, startedAt, fault, next?.delayMs ?? null)
    if (retryAt === null) throw error
    await this.#pause(key, retryAt, fault)
  }

  /** Until a person has said what became of it. */
  #decision(key: string): Promise<true> {
    const { run } = this.#attempt
    return this.#attempt.waits.until({
      wait: { kind: 'decision', name: key },
      until: null,
      look: async () => ((await this.#world.steps.own(run, key))?.status === 'unknown' ? undefined : true),
    })
  }

  async #pause(key: string, until: number, error: RunFault): Promise<void> {
    await this.#attempt.waits.until({
      wait: { kind: 'retry', name: key, until: new Date(until).toISOString(), error },
      until,
      look: async () => (this.#clock.now() >= until ? true : undefined),
    })
  }

  async #unpaused(): Promise<void> {
    const attempt = this.#attempt
    if (!attempt.isPaused) return
    await attempt.waits.until({
      wait: { kind: 'paused' },
      until: null,
      look: async () => (attempt.isPaused ? undefined : true),
    })
  }
}

// Of what depends on nothing: a time, a word that was taken.
const NO_INPUT = ''

function hashOf(input: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(input ?? null))
    .digest('hex')
}

/** Trouble of the store, or of the run as a whole, says nothing of the step. */
function isOfTheStore(error: unknown): boolean {
  const codes = ['STORAGE_FULL', 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'FENCED', 'CANCELLED'] as const
  return codes.some((code) => isHoldfastError(error, code))
}

function noPlace(error: unknown): undefined {
  if (!isHoldfastError(error, 'CONFLICT')) throw error
}

function timeoutOf<Output>({ key, options }: Doing<Output>): HoldfastError {
  return new HoldfastError('TIMEOUT', `The step "${key}" took longer than ${options.timeoutMs} ms.`)
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** Refuses a key that some store cannot hold: before the step is done, and not when its result is to be remembered. */
function checkKey(key: string): void {
  if (Buffer.byteLength(key) <= KEY_MAX_BYTES && !key.includes('\0')) return
  const detail = `A key has at most ${KEY_MAX_BYTES} bytes and no zero in it: "${key.slice(0, 100)}".`
  throw new HoldfastError('INVALID_INPUT', detail)
}

// PostgreSQL has 2,704 bytes for an entry of an index: the id of the run stands there, too.
const KEY_MAX_BYTES = 2_000
