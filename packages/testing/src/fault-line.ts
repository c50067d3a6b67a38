import { Transform, type TransformCallback } from 'node:stream'

/** What a way through the proxy asks at each piece that comes. */
export interface LineFaults {
  /** So much later it goes on, ms. */
  readonly delayMs: number
  /** It is kept until the end. */
  readonly isHeld: boolean
  /** Told of every piece that goes on, in bytes. */
  passed(bytes: number): void
}

/** One way through a proxy: pieces come out in the order they went in, later, at the end, or never. */
export class FaultLine extends Transform {
  readonly #faults: LineFaults
  #held: Buffer[] = []
  /** Waiting for their time, which is never before that of the one ahead. */
  readonly #late: { piece: Buffer; due: number }[] = []
  #isMute = false
  #onAllOut: (() => void) | null = null

  constructor(faults: LineFaults) {
    super()
    this.#faults = faults
  }

  /** From here on nothing comes out, also after the proxy passes everything again. */
  mute(): void {
    this.#isMute = true
    this.#held = []
  }

  get isMute(): boolean {
    return this.#isMute
  }

  /** Lets go of what is held. */
  release(): void {
    for (const piece of this.#held.splice(0)) this.#goOn(piece)
  }

  override _transform(piece: Buffer, _: BufferEncoding, done: TransformCallback): void {
    if (!this.#isMute && this.#faults.isHeld) {
      this.#held.push(piece)
    } else if (!this.#isMute) {
      this.release()
      this.#goOn(piece)
    }
    done()
  }

  override _flush(done: TransformCallback): void {
    this.release()
    if (this.#late.length === 0) done()
    else this.#onAllOut = () => done()
  }

  #goOn(piece: Buffer): void {
    const { delayMs } = this.#faults
    const last = this.#late.at(-1)
    if (delayMs === 0 && !last) {
      this.#out(piece)
      return
    }
    const now = Date.now()
    const due = Math.max(last?.due ?? 0, now + delayMs)
    this.#late.push({ piece, due })
    if (!last) setTimeout(this.#outWhenDue, due - now)
  }

  readonly #outWhenDue = (): void => {
    const now = Date.now()
    for (let next = this.#late[0]; next && next.due <= now; next = this.#late[0]) {
      this.#late.shift()
      this.#out(next.piece)
    }
    const next = this.#late[0]
    if (next) setTimeout(this.#outWhenDue, next.due - now)
    else this.#onAllOut?.()
  }

  #out(piece: Buffer): void {
    if (this.#isMute || this.destroyed) return
    this.#faults.passed(piece.length)
    this.push(piece)
  }
}
