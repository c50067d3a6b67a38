/** What the code of the runs under way in this process tells of itself: when it began, and that it came to its end. */
export class Marks {
  readonly #open = new Map<string, { began: PromiseWithResolvers<number>; ended: PromiseWithResolvers<void> }>()
  #ended = 0
  #onEnd = Promise.withResolvers<void>()

  /** Runs that are expected to begin or to end. */
  get open(): number {
    return this.#open.size
  }

  /** Runs that were expected and have ended. */
  get ended(): number {
    return this.#ended
  }

  /** Before a run is started. `began`: at what time of `performance.now`. */
  expect(id: string): { began: Promise<number>; ended: Promise<void> } {
    const marks = { began: Promise.withResolvers<number>(), ended: Promise.withResolvers<void>() }
    this.#open.set(id, marks)
    return { began: marks.began.promise, ended: marks.ended.promise }
  }

  /** First thing in a run's code. One that is begun again after that has begun already. */
  began(id: string): void {
    this.#open.get(id)?.began.resolve(performance.now())
  }

  /** Last thing in a run's code. A run that nobody expects, or that ends twice, counts once at the most. */
  end(id: string): void {
    const marks = this.#open.get(id)
    if (!marks) return
    this.#open.delete(id)
    marks.ended.resolve()
    this.#ended += 1
    this.#onEnd.resolve()
    this.#onEnd = Promise.withResolvers()
  }

  /** Resolves when the next run ends. */
  next(): Promise<void> {
    return this.#onEnd.promise
  }
}
