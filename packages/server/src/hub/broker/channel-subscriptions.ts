/** How channels are asked for where word comes from. One call at a time; rejects where the line is lost. */
export type ChangeChannels = (on: readonly string[], off: readonly string[]) => Promise<unknown>

export interface SubscriptionsOptions {
  /** Asked for whatever streams are wanted. */
  always: readonly string[]
  channelOf(stream: string): string
  /** Word of these streams comes from now on. */
  onActive(streams: readonly string[]): void
  /** The line did not do what it was asked. */
  onFailed(error: Error): void
}

/**
 * Which streams are wanted, and which channels are asked for on a line that comes and goes. What is wanted and not
 * wanted within one turn, or while a change is under way, is one change; a channel is held for as long as a stream
 * needs it.
 */
export class ChannelSubscriptions {
  readonly #options: SubscriptionsOptions
  readonly #channels = new Map<string, string>()
  /** How many streams need a channel. */
  readonly #needs = new Map<string, number>()
  readonly #asked = new Set<string>()
  readonly #changed = new Set<string>()
  /** Wanted, and not told of as active yet. */
  readonly #waiting = new Set<string>()
  #change: ChangeChannels | null = null
  #scheduled = false

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  has(stream: string): boolean {
    return this.#channels.has(stream)
  }

  /** The streams wanted that come over this channel. Looks at all of them. */
  streamsOf(channel: string): string[] {
    return [...this.#channels].filter(([, its]) => its === channel).map(([stream]) => stream)
  }

  /** Harmless when repeated. */
  add(stream: string): void {
    if (this.#channels.has(stream)) return
    const channel = this.#options.channelOf(stream)
    this.#channels.set(stream, channel)
    this.#needs.set(channel, (this.#needs.get(channel) ?? 0) + 1)
    this.#waiting.add(stream)
    this.#note(channel)
  }

  /** Harmless when repeated. */
  remove(stream: string): void {
    const channel = this.#channels.get(stream)
    if (channel === undefined) return
    this.#channels.delete(stream)
    this.#waiting.delete(stream)
    const left = (this.#needs.get(channel) ?? 0) - 1
    if (left > 0) this.#needs.set(channel, left)
    else this.#needs.delete(channel)
    this.#note(channel)
  }

  /** A new line: asks for everything. Once it resolves, word of all streams comes, those added meanwhile excepted. */
  async resume(change: ChangeChannels): Promise<void> {
    this.suspend()
    const channels = [...this.#needs.keys()]
    await change([...this.#options.always, ...channels], [])
    for (const channel of channels) this.#asked.add(channel)
    this.#change = change
    this.#schedule()
  }

  /** The line is gone, and what it was asked for with it. */
  suspend(): void {
    this.#change = null
    this.#asked.clear()
    this.#changed.clear()
    this.#waiting.clear()
  }

  #note(channel: string): void {
    this.#changed.add(channel)
    if (this.#change) this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#change && this.#changed.size > 0) {
      const change = this.#change
      await this.#step(change).catch((error) => {
        // A line that is gone may be slow to say so; the next one is none the worse for it.
        if (this.#change === change) this.#options.onFailed(error)
      })
    }
    this.#scheduled = false
  }

  async #step(change: ChangeChannels): Promise<void> {
    const changed = [...this.#changed]
    const waiting = [...this.#waiting]
    this.#changed.clear()
    this.#waiting.clear()
    const on = changed.filter((channel) => this.#needs.has(channel) && !this.#asked.has(channel))
    const off = changed.filter((channel) => !this.#needs.has(channel) && this.#asked.has(channel))
    if (on.length + off.length > 0) await change(on, off)
    // Another line asks for everything anew, and tells so itself.
    if (this.#change !== change) return
    for (const channel of on) this.#asked.add(channel)
    for (const channel of off) this.#asked.delete(channel)
    const active = waiting.filter((stream) => this.#channels.has(stream))
    if (active.length > 0) this.#options.onActive(active)
  }
}
