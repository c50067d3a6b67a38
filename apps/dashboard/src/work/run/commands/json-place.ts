/**
 * Where in a JSON text the value of a path begins: `items[0].url`, `items.0.url` and `/items/0/url` mean the same. Where it
 * is not there, the place of the nearest value around it. Pure; the text is one that JSON.parse takes.
 */
export function findPlace(text: string, path: string): number {
  return new Finder(text).find(namesOf(path))
}

/** The line of a place, counted from 1. */
export function lineOf(text: string, place: number): number {
  return text.slice(0, place).split('\n').length
}

/** Where a text stops being JSON, and what would have been expected there; `null` where it is JSON. */
export function findSyntaxError(text: string): { place: number; message: string } | null {
  const expected = new Checker(text).check()
  if (expected === null) return null
  const found = expected.place < text.length ? `not ${JSON.stringify(text[expected.place])}` : 'but it ends here'
  return { place: expected.place, message: `${expected.what} is expected, ${found}` }
}

/** A word, a number or a string; in a string everything from the space on but quotes and backslashes stands for itself. */
const SCALAR =
  /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|"(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy

interface Expected {
  place: number
  what: string
}

/** Reads a JSON text and stops at the first thing that is none. */
class Checker {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  check(): Expected | null {
    const wrong = this.#value()
    if (wrong) return wrong
    return this.#next() === '' ? null : this.#expected('The end')
  }

  #value(): Expected | null {
    const open = this.#next()
    if (open === '{') return this.#members('}', () => this.#member())
    if (open === '[') return this.#members(']', () => this.#value())
    return this.#scalar() ? null : this.#expected('A value')
  }

  #members(close: '}' | ']', one: () => Expected | null): Expected | null {
    this.#at += 1
    if (this.#next() === close) return this.#pass()
    for (;;) {
      const wrong = one()
      if (wrong) return wrong
      const next = this.#next()
      if (next === close) return this.#pass()
      if (next !== ',') return this.#expected(`A comma or ${close}`)
      this.#at += 1
    }
  }

  #member(): Expected | null {
    if (this.#next() !== '"' || !this.#scalar()) return this.#expected('A name in double quotes')
    if (this.#next() !== ':') return this.#expected('A colon')
    this.#at += 1
    return this.#value()
  }

  #scalar(): boolean {
    SCALAR.lastIndex = this.#at
    const found = SCALAR.exec(this.#text)
    if (found) this.#at += found[0].length
    return found !== null
  }

  #next(): string {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at += 1
    return this.#text[this.#at] ?? ''
  }

  #pass(): null {
    this.#at += 1
    return null
  }

  #expected(what: string): Expected {
    return { place: this.#at, what }
  }
}

function namesOf(path: string): string[] {
  return path
    .replace(/\[(\d+)\]/g, '.$1')
    .split(/[./]/)
    .filter((name) => name !== '')
}

class Finder {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  find(names: readonly string[]): number {
    this.#space()
    const start = this.#at
    const [name, ...rest] = names
    if (name === undefined) return start
    return this.#enter(name) ? this.find(rest) : start
  }

  /** Goes to the start of the member or element of that name; `false` where there is none. */
  #enter(name: string): boolean {
    const open = this.#text[this.#at]
    if (open !== '{' && open !== '[') return false
    this.#at += 1
    for (let index = 0; ; index += 1) {
      this.#space()
      if (this.#at >= this.#text.length || '}]'.includes(this.#text[this.#at] ?? '')) return false
      const key = open === '{' ? this.#key() : String(index)
      if (key === name) return true
      this.#skip()
      this.#space()
      if (this.#text[this.#at] === ',') this.#at += 1
    }
  }

  #key(): string {
    const start = this.#at
    this.#string()
    const key = JSON.parse(this.#text.slice(start, this.#at)) as string
    this.#space()
    this.#at += 1
    return key
  }

  /** Over one value. */
  #skip(): void {
    this.#space()
    let depth = 0
    do {
      const char = this.#text[this.#at]
      if (char === '"') this.#string()
      else {
        if (char === '{' || char === '[') depth += 1
        else if (char === '}' || char === ']') depth -= 1
        this.#at += 1
      }
    } while (this.#at < this.#text.length && (depth > 0 || !',}]'.includes(this.#text[this.#at] ?? '')))
  }

  #string(): void {
    this.#at += 1
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"')
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1
    this.#at += 1
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1
  }
}
