import type { Statement } from './database.ts'
import type { BatchStatement, Member } from './sqlite-batch.ts'

// Hot texts are few. Filters make more, and are forgotten all together where they pile up.
const NUMBERED = 1000

type WireStatement = readonly [sql: number, params: Statement['params'], rows: number | null]

/** A batch on its way to the writer's thread: each text goes there once, afterwards its number does. */
export interface WireBatch {
  /** The numbers given out so far mean nothing any more. */
  reset: boolean
  /** Texts that take the next numbers. */
  texts: string[]
  members: WireStatement[][]
}

/** This side of the wire. A batch that was encoded must be sent, and in this order. */
export class BatchEncoder {
  readonly #numbers = new Map<string, number>()

  encode(members: readonly (readonly Statement[])[]): WireBatch {
    const reset = this.#numbers.size >= NUMBERED
    if (reset) this.#numbers.clear()
    const texts: string[] = []
    const number = (sql: string): number => {
      let known = this.#numbers.get(sql)
      if (known === undefined) {
        known = this.#numbers.size
        this.#numbers.set(sql, known)
        texts.push(sql)
      }
      return known
    }
    const encoded = members.map((statements) =>
      statements.map(({ sql, params, expect }): WireStatement => [number(sql), params, expect?.rows ?? null]),
    )
    return { reset, texts, members: encoded }
  }
}

/** The writer's side. */
export class BatchDecoder {
  #texts: string[] = []

  decode({ reset, texts, members }: WireBatch): Member[] {
    if (reset) this.#texts = []

    for (const text of texts) this.#texts.push(text)
    return members.map((statements) =>
      statements.map(([sql, params, rows]): BatchStatement => ({ sql: this.#texts[sql] ?? '', params, rows })),
    )
  }
}
