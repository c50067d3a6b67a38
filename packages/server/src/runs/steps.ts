import { createHash } from 'node:crypto'
import { type Clock, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { RunFault } from '@holdfast/protocol/runs'
import { type Write, write } from '../db/database.ts'
import type { Attempt, AttemptWorld } from './attempt.ts'
import { faultOf } from './fault.ts'
import type { RunEventInput } from './journal.ts'
import { DEFAULT_STEP_RETRY, isNotDone, nextTry } from './retry-policy.ts'
import type { StepContext, StepOptions } from './run.ts'
import type { StepMark } from './step-store.ts'

export interface PartOptions {
  attempt: Attempt
  world: AttemptWorld
  /** On the store's time. */
  clock: Clock
}

/** A step that is being done. */
interface Doing<Output> {
  key: string
  hash: string
  work: (step: StepContext) => Promise<Output>
  options: StepOptions<Output>
  tries: number
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
  readonly #isTold: boolean
  /** What the end of the attempt has to see to: steps that are marked as being done, places at providers. */
  readonly leaves = { steps: false, permits: false }
  #ofRun: string | null = null

  constructor({ attempt, world, clock }: PartOptions) {
    this.#attempt = attempt
    this.#world = world
    this.#clock = clock
    this.#isFirst = attempt.run.attempt === 1 && attempt.run.rootId === attempt.run.id
    this.#isTold = attempt.definition.tellSteps !== false
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
    const doing = { key, hash: NO_INPUT, options: {}, tries: 1 }
    const mark = { ...this.#mark(doing, 'done', 0), output: checkLength(JSON.stringify(output ?? null), key) }
    const { run, waits, writes: fenced } = this.#attempt
    await waits.during(() => fenced.commit({ writes: [...writes, write(this.#world.steps.mark(run, mark))], events }))
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
        if (!open.isTold) await this.#markUnknown(doing, 0, open.error)
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
    await attempt.waits.during(() => this.#record(doing, startedAt, output, writes))
    return { output }
  }

  /** A place at the provider, and, of an unsafe step, that it is about to be done: on disk before it is. */
  async #begin<Output>(doing: Doing<Output>): Promise<void> {
    const attempt = this.#attempt
    const { key, options } = doing
    const isUnsafe = options.effect === 'unsafe'
    if (options.provider === undefined && !isUnsafe) return
    const { provider } = options
    this.leaves.steps = true
    if (provider !== undefined) this.leaves.permits = true
    const begin = async () => {
      const writes = [
        ...(provider === undefined ? [] : [write(this.#world.limits.take(provider, attempt.run, key))]),
        write(this.#world.steps.mark(attempt.run, this.#mark(doing, 'working', 0))),
      ]
      await attempt.writes.commit({ writes, events: this.#isTold ? [this.#started(doing)] : [] })
      return true
    }
    if (provider === undefined) await attempt.waits.during(begin)
    else {
      await attempt.waits.until({
        wait: { kind: 'provider', name: provider },
        until: null,
        look: () => begin().catch(noPlace),
      })
    }
  }

  async #work<Output>(doing: Doing<Output>, writes: Write[]): Promise<Output> {
    const attempt = this.#attempt
    const { options, work, tries } = doing
    const timeout = options.timeoutMs === undefined ? null : new AbortController()
    const callOff = timeout && this.#clock.after(options.timeoutMs ?? 0, () => timeout.abort(timeoutOf(doing)))
    const isTold = this.#isTold && options.provider === undefined && options.effect !== 'unsafe'
    const tellStart = isTold ? this.#clock.after(TELL_START_MS, () => this.#tellStart(doing)) : () => {}
    const signal = timeout ? AbortSignal.any([attempt.signal, timeout.signal]) : attempt.signal
    try {
      const working = work({ signal, try: tries, write: (...more) => writes.push(...more) })
      return await (timeout ? Promise.race([working, aborted(timeout.signal)]) : working)
    } finally {
      callOff?.()
      tellStart()
    }
  }

  #tellStart<Output>(doing: Doing<Output>): void {
    const attempt = this.#attempt
    if (attempt.signal.aborted) return
    this.leaves.steps = true
    attempt.writes
      .commit({
        writes: [write(this.#world.steps.mark(attempt.run, this.#mark(doing, 'working', TELL_START_MS)))],
        events: [this.#started(doing)],
      })
      // Whoever needs to know of the failure learns it from the signal, or from the next write.
      .catch(() => {})
  }

  async #record<Output>(doing: Doing<Output>, startedAt: number, output: Output, writes: Write[]): Promise<void> {
    const attempt = this.#attempt
    const { key, hash, options, tries } = doing
    const ms = this.#clock.now() - startedAt
    const kept = options.keep?.(output) ?? true
    const text = checkLength(JSON.stringify(output ?? null), key)
    const free = options.provider === undefined ? [] : [write(this.#world.limits.giveBack(attempt.run, key))]
    const mark = kept
      ? [write(this.#world.steps.mark(attempt.run, { ...this.#mark(doing, 'done', ms), output: text }))]
      : []
    const at = { key, attempt: attempt.run.attempt, try: tries }
    const event = { type: 'step_done', ...at, startedAt: iso(startedAt), ms, ...this.#provider(options) } as const
    await attempt.writes.commit({
      writes: [...writes, ...mark, ...free],
      events: this.#isTold ? [event] : [],
      progressed: true,
      wasDone: async () => {
        if (!kept) return false
        const memo = await this.#world.steps.memo(attempt.run, key, hash)
        return memo?.runId === attempt.run.id && memo.attempt === attempt.run.attempt
      },
    })
    if (kept) this.#done.add(`${key}\0${hash}`)
    if (options.provider !== undefined) this.#world.freed(options.provider)
  }

  /** Returns where another try follows, and otherwise throws. */
  async #failed<Output>(doing: Doing<Output>, startedAt: number, error: unknown): Promise<void> {
    const attempt = this.#attempt
    const { key, options, tries } = doing
    const ms = this.#clock.now() - startedAt
    // What was stopped is no failure of the step; of an unsafe one its mark stays, and shows at the next attempt.
    if (attempt.signal.aborted || isOfTheStore(error)) throw error
    if (options.effect === 'unsafe' && !isNotDone(error)) {
      await this.#markUnknown(doing, ms, faultOf(error))
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
    await this.#recordFailure(doing, startedAt, ms, fault, next?.delayMs ?? null)
    if (retryAt === null) throw error
    await this.#pause(key, retryAt, fault)
  }

  async #recordFailure<Output>(
    doing: Doing<Output>,
    startedAt: number,
    ms: number,
    error: RunFault,
    retryMs: number | null,
  ): Promise<void> {
    const attempt = this.#attempt
    const { key, options, tries } = doing
    const at = { key, attempt: attempt.run.attempt, try: tries, startedAt: iso(startedAt), ms }
    const retryAt = retryMs === null ? {} : { retryAt: iso(this.#clock.now() + retryMs) }
    const free = options.provider === undefined ? [] : [write(this.#world.limits.giveBack(attempt.run, key))]
    const mark = write(this.#world.steps.mark(attempt.run, { ...this.#mark(doing, 'failed', ms), error, retryMs }))
    await attempt.waits.during(() =>
      attempt.writes.commit({
        writes: [mark, ...free],
        events: [{ type: 'step_failed', ...at, error, ...retryAt }],
      }),
    )
    if (options.provider !== undefined) this.#world.freed(options.provider)
  }

  async #markUnknown<Output>(doing: Omit<Doing<Output>, 'work'>, ms: number, error: RunFault | null): Promise<void> {
    const attempt = this.#attempt
    const { key, options } = doing
    const free = options.provider === undefined ? [] : [write(this.#world.limits.giveBack(attempt.run, key))]
    const mark = write(this.#world.steps.mark(attempt.run, { ...this.#mark(doing, 'unknown', ms), error }))
    const told = { type: 'step_unknown', key, attempt: attempt.run.attempt, ...(error ? { error } : {}) } as const
    await attempt.waits.during(() => attempt.writes.commit({ writes: [mark, ...free], events: [told] }))
    if (options.provider !== undefined) this.#world.freed(options.provider)
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
      wait: { kind: 'retry', name: key, until: iso(until), error },
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

  #mark<Output>(
    { key, hash, options, tries }: Omit<Doing<Output>, 'work'>,
    status: StepMark['status'],
    ms: number,
  ): StepMark {
    const { effect = 'idempotent', provider = null } = options
    return { key, inputHash: hash, status, effect, provider, tries, ms }
  }

  #started<Output>({ key, options, tries }: Doing<Output>) {
    const { effect = 'idempotent' } = options
    const { attempt } = this.#attempt.run
    return { type: 'step_started', key, attempt, try: tries, effect, ...this.#provider(options) } as const
  }

  #provider<Output>({ provider }: StepOptions<Output>) {
    return provider === undefined ? {} : { provider }
  }
}

// Of what depends on nothing: a time, a word that was taken.
const NO_INPUT = ''

function hashOf(input: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(input ?? null))
    .digest('hex')
}

function iso(time: number): string {
  return new Date(time).toISOString()
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

// What a step returns is read on every later attempt; results that are large belong in a table or a file.
const OUTPUT_MAX_LENGTH = 65_536

function checkLength(text: string, key: string): string {
  if (text.length > OUTPUT_MAX_LENGTH) throw new HoldfastError('TOO_LARGE', `The result of step "${key}".`)
  return text
}

/** Refuses a key that some store cannot hold: before the step is done, and not when its result is to be remembered. */
function checkKey(key: string): void {
  if (Buffer.byteLength(key) <= KEY_MAX_BYTES && !key.includes('\0')) return
  const detail = `A key has at most ${KEY_MAX_BYTES} bytes and no zero in it: "${key.slice(0, 100)}".`
  throw new HoldfastError('INVALID_INPUT', detail)
}

// PostgreSQL has 2,704 bytes for an entry of an index: the id of the run stands there, too.
const KEY_MAX_BYTES = 2_000
