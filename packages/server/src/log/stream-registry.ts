import type { AnyStream } from './stream-log.ts'

/** The kinds of streams this server knows. */
export class StreamRegistry {
  readonly #definitions: readonly AnyStream[]

  constructor(definitions: readonly AnyStream[]) {
    const patterns = new Set<string>()
    for (const { pattern } of definitions) {
      const shape = pattern.replace(/:[^/]+/g, ':')
      if (patterns.has(shape)) throw new Error(`two streams are defined as "${pattern}"`)
      patterns.add(shape)
    }
    this.#definitions = definitions
  }

  /** The definition whose pattern a name is of. */
  find(name: string): AnyStream | null {
    return this.#definitions.find((definition) => definition.match(name) !== null) ?? null
  }
}
