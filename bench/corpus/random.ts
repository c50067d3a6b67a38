import { createHash } from 'node:crypto'

/** Seeded randomness (mulberry32): the same seed gives the same run on every machine. Not for secrets. */
export class Random {
  readonly #seed: string
  #state: number

  constructor(seed: string | number) {
    this.#seed = String(seed)
    this.#state = createHash('sha256').update(this.#seed).digest().readUInt32LE(0)
  }

  /** A source of its own for one purpose, so that what one file draws never moves what the next one gets. */
  fork(label: string): Random {
    return new Random(`${this.#seed}/${label}`)
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T
  }

  /** `count` different entries, in random order; all of them where there are fewer. */
  sample<T>(list: readonly T[], count: number): T[] {
    const copy = [...list]
    for (let at = 0; at < Math.min(count, copy.length); at += 1) {
      const other = this.int(at, copy.length - 1)
      ;[copy[at], copy[other]] = [copy[other] as T, copy[at] as T]
    }
    return copy.slice(0, count)
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let at = 0; at < length; at += 1) bytes[at] = this.int(0, 255)
    return bytes
  }
}
