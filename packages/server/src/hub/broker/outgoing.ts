import type { Committed } from '../../db/database.ts'
import type { Command } from './broker.ts'
import { SignalGathering } from './signal-gathering.ts'

/** All there is to tell at a time. */
export interface Parcel {
  signals: readonly Committed[]
  /** Groups of streams of which something was lost before it was sent: their readers have to look for themselves. */
  spilled: readonly string[]
  commands: readonly Command[]
}

export type SendParcel = (parcel: Parcel) => Promise<unknown>

export interface OutgoingOptions {
  /** As for `SignalGathering`. */
  textPerStream: number
  /** The group a stream belongs to; there are few. */
  spillOf(stream: string): string
  /** How to send on the line that is up; `null` while it is down. */
  send(): SendParcel | null
  onError(error: Error): void
}

const COMMANDS_MAX = 1_000

/**
 * What waits to be sent: gathered while the last is under way, so that a slow line is asked once for much. What comes
 * while the line is down is dropped, and its group noted, to be told when it is back.
 */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #gathering: SignalGathering
  readonly #spilled = new Set<string>()
  /** By their texts: an order that is given twice is one. */
  readonly #commands = new Map<string, Command>()
  #underway: Promise<void> | null = null
  #failing = false
  /** How many times the line has come up. */
  #lines = 0

  constructor(options: OutgoingOptions) {
    this.#options = options
    const { textPerStream } = options
    this.#gathering = new SignalGathering({ textPerStream, onSpill: (stream) => this.#spill(stream) })
  }

  publish(committed: readonly Committed[]): void {
    if (this.#options.send() === null) {
      for (const { stream } of committed) this.#spill(stream)
      return
    }
    this.#gathering.add(committed)
    this.#start()
  }

  command(command: Command): void {
    if (this.#options.send() === null || this.#commands.size >= COMMANDS_MAX) return
    this.#commands.set(JSON.stringify(command), command)
    this.#start()
  }

  /** The line is up again. */
  resume(): void {
    this.#lines += 1
    if (!this.#isEmpty) this.#start()
  }

  /** Sends what waits, where there still is a way, and resolves when that is answered. */
  async close(send: SendParcel | null): Promise<void> {
    await this.#underway
    if (send && !this.#isEmpty) await this.#sendOne(send)
  }

  #start(): void {
    this.#underway ??= this.#run()
  }

  async #run(): Promise<void> {
    // What comes in one turn goes together.
    await new Promise((resolve) => setImmediate(resolve))
    let mayGoOn = true
    while (mayGoOn && !this.#isEmpty) {
      const send = this.#options.send()
      const line = this.#lines
      // A line that is gone may be slow to say so; the next one goes on.
      mayGoOn = send !== null && ((await this.#sendOne(send)) || line !== this.#lines)
    }
    // In the same breath as the look: what comes next begins anew.
    this.#underway = null
  }

  async #sendOne(send: SendParcel): Promise<boolean> {
    const parcel = this.#take()
    try {
      await send(parcel)
      this.#failing = false
      return true
    } catch (error) {
      for (const { stream } of parcel.signals) this.#spill(stream)
      for (const group of parcel.spilled) this.#spilled.add(group)
      if (!this.#failing) this.#options.onError(error as Error)
      this.#failing = true
      return false
    }
  }

  get #isEmpty(): boolean {
    return this.#gathering.isEmpty && this.#commands.size === 0 && this.#spilled.size === 0
  }

  #take(): Parcel {
    const parcel = {
      signals: this.#gathering.take(),
      spilled: [...this.#spilled],
      commands: [...this.#commands.values()],
    }
    this.#spilled.clear()
    this.#commands.clear()
    return parcel
  }

  #spill(stream: string): void {
    this.#spilled.add(this.#options.spillOf(stream))
  }
}
