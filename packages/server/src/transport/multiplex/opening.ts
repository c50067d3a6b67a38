import type { SubscribeFrame } from './subscriptions.ts'

export interface OpeningOptions {
  wanted: readonly SubscribeFrame[]
  /** Never rejects. */
  subscribe: (frame: SubscribeFrame) => Promise<void>
  /** Whether there is room for what the next one is answered with. */
  hasRoom: () => boolean
  /** One more was answered. */
  onAnswered: () => void
}

// Answers that may be held at a time: each with a state, of 64 KB at most.
const AT_A_TIME = 16

/** Subscribes to a list, a few at a time and as long as there is room for what they are answered with. */
export class Opening {
  readonly #options: OpeningOptions
  #next = 0
  #underWay = 0

  constructor(options: OpeningOptions) {
    this.#options = options
  }

  /** Whether every one was answered. */
  get isDone(): boolean {
    return this.#next === this.#options.wanted.length && this.#underWay === 0
  }

  /** Begins, or goes on where there was no room. */
  go(): void {
    const { wanted, subscribe, hasRoom, onAnswered } = this.#options
    while (this.#underWay < AT_A_TIME && this.#next < wanted.length && hasRoom()) {
      const frame = wanted[this.#next]
      if (!frame) return
      this.#next += 1
      this.#underWay += 1
      void subscribe(frame).then(() => {
        this.#underWay -= 1
        this.go()
        onAnswered()
      })
    }
  }
}
