import type { Write } from '../db/database.ts'
import type { Attempt, AttemptWorld } from './attempt.ts'
import type { ChildOptions, Outcome, Run, RunDefinition } from './run.ts'
import type { PartOptions, Steps } from './steps.ts'

/** Starts runs for a run, in the commit that remembers that it did. */
export interface ChildStarter {
  /** What is to be committed, and what is to be done then. */
  prepare(
    definition: RunDefinition<never>,
    input: unknown,
    parent: Run,
    options: ChildOptions,
  ): Promise<{ run: Run; writes: Write[]; committed: () => void }>
  /** How a run ended; `null` while it has not. */
  outcome(id: string): Promise<Outcome | null>
}

/** The runs an attempt starts, and waits for. */
export class Children {
  readonly #attempt: Attempt
  readonly #world: AttemptWorld
  readonly #steps: Steps

  constructor({ attempt, world }: PartOptions, steps: Steps) {
    this.#attempt = attempt
    this.#world = world
    this.#steps = steps
  }

  async start(key: string, definition: RunDefinition<never>, input: unknown, options: ChildOptions): Promise<string> {
    const step = `@start:${key}`
    const memo = await this.#steps.remembered<string>(step)
    if (memo) return memo.output
    const { run, writes, committed } = await this.#world.children.prepare(definition, input, this.#attempt.run, options)
    const { id, name } = run
    await this.#steps.remember(step, id, writes, [{ type: 'child', run: id, name, status: 'queued' }])
    committed()
    return id
  }

  async ended(childId: string): Promise<Outcome> {
    const step = `@ended:${childId}`
    const memo = await this.#steps.remembered<Outcome>(step)
    if (memo) return memo.output
    const outcome = await this.#attempt.waits.until({
      wait: { kind: 'child', name: childId },
      until: null,
      look: async () => (await this.#world.children.outcome(childId)) ?? undefined,
    })
    await this.#steps.remember(step, outcome, [])
    return outcome
  }
}
