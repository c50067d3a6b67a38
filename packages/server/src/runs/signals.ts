import { isHoldfastError } from '@holdfast/protocol'
import type { RunWait } from '@holdfast/protocol/runs'
import { write } from '../db/database.ts'
import type { Attempt, AttemptWorld } from './attempt.ts'
import { faultOf } from './fault.ts'
import type { Signal, WaitOptions } from './run.ts'
import type { PartOptions, Steps } from './steps.ts'

// What came between two looks; more is taken at the next one.
const TAKEN_AT_ONCE = 100

/** What an attempt hears from outside: each word is taken once, in the commit that remembers that it was. */
export class Signals {
  readonly #attempt: Attempt
  readonly #world: AttemptWorld
  readonly #clock: PartOptions['clock']
  readonly #steps: Steps
  readonly #listeners = new Set<{ name: string; listener: () => void }>()

  constructor({ attempt, world, clock }: PartOptions, steps: Steps) {
    this.#attempt = attempt
    this.#world = world
    this.#clock = clock
    this.#steps = steps
  }

  async waitFor<Payload>(
    name: string,
    { key = name, question, timeoutMs }: WaitOptions & { key?: string },
  ): Promise<Signal<Payload> | null> {
    const step = `@wait:${key}`
    const memo = await this.#steps.remembered<Signal<Payload> | null>(step)
    if (memo) return memo.output
    const until =
      timeoutMs === undefined ? null : await this.#steps.once(`${step}:until`, () => this.#clock.now() + timeoutMs)
    const wait: RunWait = {
      kind: 'event',
      name,
      ...(question === undefined ? {} : { question }),
      ...(until === null ? {} : { until: new Date(until).toISOString() }),
    }
    const found = await this.#attempt.waits.until({ wait, until, look: () => this.#look<Payload>(name, step, until) })
    return found.signal
  }

  async received<Payload>(name: string, key: string): Promise<Signal<Payload>[]> {
    const step = `@received:${key}`
    const memo = await this.#steps.remembered<Signal<Payload>[]>(step)
    if (memo) return memo.output
    const { run } = this.#attempt
    const waiting = await this.#world.commands.waiting(run.id, name, TAKEN_AT_ONCE)
    const signals = waiting.map(({ payload, by }) => ({ payload: payload as Payload, by }))
    const taken = waiting.map(({ seq }) => write(this.#world.commands.take(seq, step)))
    await this.#steps.remember(step, signals, taken)
    return signals
  }

  listen(name: string, listener: () => void): () => void {
    const entry = { name, listener }
    this.#listeners.add(entry)
    return () => this.#listeners.delete(entry)
  }

  /** Something may have come: those who listen look by themselves. */
  heard(): void {
    for (const { name, listener } of [...this.#listeners]) void this.#tell(name, listener)
  }

  async #tell(name: string, listener: () => void): Promise<void> {
    const waiting = await this.#world.commands.waiting(this.#attempt.run.id, name, 1).catch(() => [])
    if (waiting.length === 0 || this.#attempt.signal.aborted) return
    try {
      await (listener() as unknown)
    } catch (error) {
      // Nobody waits for it, and it must not take the process down.
      this.#attempt.log('error', `What listens for "${name}" failed: ${faultOf(error).message}`)
    }
  }

  async #look<Payload>(
    name: string,
    step: string,
    until: number | null,
  ): Promise<{ signal: Signal<Payload> | null } | undefined> {
    const [first] = await this.#world.commands.waiting(this.#attempt.run.id, name, 1)
    if (first) {
      const signal = { payload: first.payload as Payload, by: first.by }
      const take = write(this.#world.commands.take(first.seq, step))
      try {
        await this.#steps.remember(step, signal, [take])
      } catch (error) {
        // Another place of the code, which waits for the same name, has taken it.
        if (isHoldfastError(error, 'CONFLICT')) return this.#look(name, step, until)
        throw error
      }
      return { signal }
    }
    if (until === null || this.#clock.now() < until) return undefined
    await this.#steps.remember(step, null, [])
    return { signal: null }
  }
}
