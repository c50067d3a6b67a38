/**
 * One after the other by key: each is given what the one before it came to, where that is still under way; what went
 * wrong before does not hold up what follows. Keeps nothing of what has ended.
 */
export class InTurn<Result> {
  readonly #last = new Map<string, Promise<Result | null>>()

  async run(key: string, work: (before: Result | null) => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key)
    const result = before ? before.then(work) : work(null)
    const settled = result.catch(() => null)
    this.#last.set(key, settled)
    try {
      return await result
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    }
  }
}
