import type { ClientWorld } from './world.ts'

/** A bearer token, and until when it counts (RFC 3339, or Unix ms); absent: nobody knows. */
export interface AccessToken {
  token: string
  expiresAt?: string | number | null
}

/** Gives a token that counts: asked at first, before one expires, and where the server does not take one any more. */
export type TokenSource = () => Promise<AccessToken>

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
      const given = await source()
      const now = this.world.clock.now()
      const left = given.expiresAt == null ? Number.POSITIVE_INFINITY : new Date(given.expiresAt).getTime() - now
      this.#renewAt = now + left - Math.min(SPARE_MS, left * SPARE_PART)
      return given
    } catch (error) {
      this.#current = null
      throw error
    }
  }

  async #fetch(world: ClientWorld, url: string, init: globalThis.RequestInit = {}): Promise<Response> {
    const first = await world.fetch(url, await this.#signed(init))
    if (first.status !== 401) return first
    this.drop()
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
