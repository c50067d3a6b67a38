import type { ClientWorld } from './world.ts'

/** A bearer token, and until when it counts (RFC 3339, or Unix ms); absent: nobody knows. */
export interface AccessToken {
  token: string
  expiresAt?: string | number | null
}

/** Gives a token that counts: asked at first, before one expires, and where the server does not take one any more. */
export type TokenSource = () => Promise<AccessToken>

/** How long a source of tokens may take, ms. */
const SOURCE_MS = 20_000
/** A token is renewed when this part of its life is left, and at the latest so long before its end, ms. */
const SPARE_PART = 0.2
const SPARE_MS = 60_000

/**
 * Who asks. Puts the token into every request and asks for another before it expires and where the server answers 401;
 * without a source of tokens (cookies) an answer of 401 is asked about once more, since it may have been of something
 * between.
 */
export class Credentials {
  /** The world, with who asks in every request. */
  readonly world: ClientWorld
  readonly #source: TokenSource | undefined
  #current: Promise<AccessToken> | null = null
  #renewAt = Number.POSITIVE_INFINITY

  constructor(world: ClientWorld, source?: TokenSource) {
    this.#source = source
    const { clock, connectivity, tabs } = world
    this.world = {
      // It may move: a server that was started again has another port.
      get baseUrl() {
        return world.baseUrl
      },
      clock,
      connectivity,
      tabs,
      random: () => world.random(),
      id: () => world.id(),
      openSocket: (url, token) => world.openSocket(url, token),
      fetch: (url, init) => this.#fetch(world, url, init),
    }
  }

  /** The token to come with; `undefined` where there is none to be had. Rejects as its source does. */
  async token(): Promise<string | undefined> {
    if (!this.#source) return undefined
    if (this.world.clock.now() >= this.#renewAt) this.#current = null
    this.#current ??= this.#ask(this.#source)
    return (await this.#current).token
  }

  /** When the current token is to be renewed (Unix ms); infinite where it need not be. */
  get renewAt(): number {
    return this.#renewAt
  }

  /** The current token does not count any more. */
  drop(): void {
    this.#current = null
  }

  async #ask(source: TokenSource): Promise<AccessToken> {
    try {
      const given = await this.#inTime(source())
      const now = this.world.clock.now()
      const left = new Date(given.expiresAt ?? Number.NaN).getTime() - now
      // One that is new and has expired says that this clock is wrong: the server tells when it counts no more.
      this.#renewAt = left > 0 ? now + left - Math.min(SPARE_MS, left * SPARE_PART) : Number.POSITIVE_INFINITY
      return given
    } catch (error) {
      this.#current = null
      throw error
    }
  }

  #inTime<T>(given: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    const cancel = this.world.clock.after(SOURCE_MS, () => reject(new Error('No token was given in time.')))
    return Promise.race([given, promise]).finally(cancel)
  }

  async #fetch(world: ClientWorld, url: string, init: globalThis.RequestInit = {}): Promise<Response> {
    const signed = await this.#signed(init)
    const used = this.#current
    const first = await world.fetch(url, signed)
    if (first.status !== 401) return first
    // Of many that are refused with one token the first asks for another.
    if (used === this.#current) this.drop()
    void first.body?.cancel().catch(() => {})
    return world.fetch(url, await this.#signed(init))
  }

  async #signed(init: globalThis.RequestInit): Promise<globalThis.RequestInit> {
    const token = await this.token()
    return token === undefined
      ? init
      : { ...init, headers: { ...(init.headers as object), authorization: `Bearer ${token}` } }
  }
}
