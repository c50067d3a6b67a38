import { HoldfastError } from '@holdfast/protocol'
import type { Limit, LimitKind, LimitStore } from './limit-store.ts'

export interface RunLimitsOptions {
  limits: LimitStore
  /** It was set otherwise: whoever waited for it may go on. */
  onSet: (kind: LimitKind, name: string) => void
}

// More at the same time than any machine has room for.
const CONCURRENCY_MOST = 10_000

/** How much of a queue, or at a provider, may be done at the same time. Durable when it resolves, over all nodes. */
export class RunLimits {
  readonly #options: RunLimitsOptions

  constructor(options: RunLimitsOptions) {
    this.#options = options
  }

  get(kind: LimitKind, name: string): Promise<Limit> {
    return this.#options.limits.get(kind, name)
  }

  /** What is not given stays as it is. `concurrency` 0 holds everything back, `null` takes the bound away. */
  async set(kind: LimitKind, name: string, change: Partial<Limit>): Promise<Limit> {
    const { limits, onSet } = this.#options
    const { concurrency } = change
    const isNumber = typeof concurrency === 'number'
    if (isNumber && !(Number.isInteger(concurrency) && concurrency >= 0 && concurrency <= CONCURRENCY_MOST)) {
      const message = `A whole number from 0 to ${CONCURRENCY_MOST}, or null for no bound.`
      throw new HoldfastError('INVALID_INPUT', message, { errors: [{ field: 'concurrency', message }] })
    }
    await limits.set(kind, name, change)
    onSet(kind, name)
    return limits.get(kind, name)
  }
}
