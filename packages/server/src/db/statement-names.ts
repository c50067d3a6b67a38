const NAMED = 400

/**
 * Names for statements that come back, so that PostgreSQL prepares each once per connection. One-off texts (migrations,
 * filters) get none, and the number of names is bounded, since a connection keeps what it has prepared.
 */
export class StatementNames {
  #names = new Map<string, string | null>()
  #given = 0

  /** The name to send `text` under; `undefined` the first time it is seen. */
  of(text: string): string | undefined {
    const known = this.#names.get(text)
    if (known) return known
    if (known === undefined) {
      if (this.#names.size < 4 * NAMED) this.#names.set(text, null)
      return undefined
    }
    if (this.#given % NAMED === NAMED - 1) this.forget()
    this.#given += 1
    const name = `holdfast_${this.#given}`
    this.#names.set(text, name)
    return name
  }

  /** What was prepared under the old names may no longer fit: from here on everything gets a new one. */
  forget(): void {
    this.#names = new Map()
  }
}
