import { isOpen, retryDelay } from '../connection-policy.ts'
import type { Credentials } from '../credentials.ts'
import { DirectLink } from '../direct-link.ts'
import type { Role } from '../link.ts'
import type { SwitchLink } from '../switch-link.ts'
import type { Tabs } from '../world.ts'
import { FollowerLink } from './follower-link.ts'
import type { TabMessage } from './tab-messages.ts'
import { TabServer } from './tab-server.ts'

export interface TabGroupOptions {
  credentials: Credentials
  tabs: Tabs
  /** Is changed whenever this tab changes its place among the others. */
  link: SwitchLink
  /**
   * Says who asks, principal and rights, in one text: only tabs of which it is the same share. Rejects where that
   * cannot be found out now. `isNew`: what was known of it does not hold any more.
   */
  identity(isNew: boolean): Promise<string>
}

/** Where the tabs of one somebody meet; `signal` is aborted when this one leaves. */
interface Place {
  name: string
  signal: AbortSignal
  say(message: TabMessage): void
}

/** Of what the tabs say to one another: those of pages of another version are another group. */
const MESSAGES = 1
/** How often a tab wants to hear of the one that holds the connection, ms. It takes over after two in vain. */
export const TAB_BEAT_MS = 5_000
const BEATS = 2
/** How long it may take to find out who asks, ms. */
const FIND_MS = 10_000

/**
 * One connection for all tabs of a browser that are the same somebody: the tab that holds a lock has it, the others
 * read and append through that tab. The lock falls to the next tab when its holder closes; one that holds it and is
 * not heard of is robbed of it.
 */
export class TabGroup {
  readonly #options: TabGroupOptions
  readonly #tab: string
  readonly #stopLife: (() => void) | undefined
  #server: TabServer | null = null
  /** Aborted to leave the other tabs; `null` while this one is alone or asleep. */
  #stay: AbortController | null = null
  #key: string | null = null
  /** The connection of one's own, while this tab is alone. */
  #alone: DirectLink | null = null
  /** Calls off that it is found out once more who asks. */
  #cancelFind: (() => void) | undefined
  /** How often in a row that could not be found out. */
  #failures = 0
  /** Who this was said to be, and was not by what the connection said. */
  #doubted: string | null = null
  /** Beats without a word of the tab that holds the connection. */
  #missed = 0

  constructor(options: TabGroupOptions) {
    this.#options = options
    this.#tab = options.credentials.world.id()
    this.#stopLife = options.tabs.onLife?.((isAwake) => (isAwake ? void this.#find(false) : this.#leave()))
    void this.#find(false)
  }

  close(): void {
    this.#stopLife?.()
    this.#leave()
  }

  /** Finds out who asks, and joins the tabs of the same; alone for as long as that cannot be found out. */
  async #find(isNew: boolean): Promise<void> {
    if (this.#stay) return
    const stay = new AbortController()
    this.#stay = stay
    const giveUp = () => {
      if (stay.signal.aborted) return
      stay.abort()
      this.#goAlone()
    }
    const cancel = this.#options.credentials.world.clock.after(FIND_MS, giveUp)
    try {
      const key = await this.#options.identity(isNew)
      if (key === this.#doubted) giveUp()
      else if (!stay.signal.aborted) this.#join(key, stay.signal)
    } catch {
      giveUp()
    } finally {
      cancel()
    }
  }

  /** Asks again who asks when a connection of one's own works, and then less and less often: that is not cut. */
  #goAlone(): void {
    this.#stay = null
    const { credentials, link } = this.#options
    const alone = this.#alone ?? this.#direct('alone')
    this.#alone = alone
    if (link.inner !== alone) link.use(alone)
    this.#failures += 1
    const find = () => {
      this.#cancelFind?.()
      void this.#find(true)
    }
    const { clock, random } = credentials.world
    this.#cancelFind = isOpen(alone.status.connection)
      ? clock.after(retryDelay(this.#failures, random), find)
      : alone.onStatus(() => isOpen(alone.status.connection) && find())
  }

  /** Where tabs cannot share at all. */
  #stayAlone(): void {
    this.close()
    this.#options.link.use(this.#direct('alone'))
  }

  #direct(role: Role): DirectLink {
    const { credentials } = this.#options
    return new DirectLink({ credentials, role, onWelcome: ({ principal, scope }) => this.#onWelcome(principal, scope) })
  }

  /** The browser's session may have become another's since this tab asked who it is. */
  #onWelcome(principal: string, scope: string[]): void {
    if (this.#key === null) return
    const isSame = this.#key === identityOf({ id: principal, scope })
    this.#doubted = isSame ? null : this.#key
    if (isSame) return
    this.#leave()
    void this.#find(true)
  }

  #leave(): void {
    const stay = this.#stay
    this.#stay = null
    this.#key = null
    this.#alone = null
    this.#cancelFind?.()
    this.#options.link.use(null)
    stay?.abort()
  }

  #join(key: string, signal: AbortSignal): void {
    const { tabs, credentials, link } = this.#options
    const name = `holdfast ${MESSAGES} ${credentials.world.baseUrl} ${key}`
    const channel = tabs.channel(name)
    const place: Place = {
      name,
      signal,
      say: (message) => {
        if (!signal.aborted) channel.postMessage(message)
      },
    }
    this.#key = key
    this.#alone = null
    this.#failures = 0
    signal.addEventListener('abort', () => channel.close())
    channel.onmessage = ({ data }) => {
      const message = data as TabMessage
      if (message.type === 'leader' || message.type === 'frame') this.#missed = 0
      if (this.#server) this.#server.hear(message)
      else if (link.inner instanceof FollowerLink) link.inner.hear(message)
    }
    // Held for as long as this tab lives: so the others notice its end.
    void tabs.locks.request(tabLock(name, this.#tab), {}, () => ended(signal)).catch(nothing)
    this.#follow(place)
    this.#beat(place)
    void this.#leadInTurn(place)
  }

  /** Through whichever tab holds the connection. */
  #follow({ say }: Place): void {
    this.#missed = 0
    this.#options.link.use(new FollowerLink(this.#tab, say))
    say({ type: 'ask', tab: this.#tab })
  }

  #beat(place: Place): void {
    const { signal, say } = place
    const { clock, random } = this.#options.credentials.world
    // Not all of them at the same moment.
    const cancel = clock.after(TAB_BEAT_MS * (0.9 + 0.2 * random()), () => {
      signal.removeEventListener('abort', cancel)
      this.#missed += 1
      if (!this.#server && this.#missed > BEATS) void this.#lead(place, { steal: true })
      else if (!this.#server) say({ type: 'ask', tab: this.#tab })
      this.#beat(place)
    })
    signal.addEventListener('abort', cancel)
  }

  /** Whenever the lock is free; again after it was taken away. */
  async #leadInTurn(place: Place): Promise<void> {
    const { signal } = place
    while (!signal.aborted) await this.#lead(place, { signal })
  }

  /** Resolves when this tab leads no more. */
  async #lead(place: Place, how: { signal?: AbortSignal; steal?: boolean }): Promise<void> {
    const { name, signal } = place
    const over = new AbortController()
    const end = () => over.abort()
    signal.addEventListener('abort', end)
    try {
      await this.#options.tabs.locks.request(name, how, () => {
        if (signal.aborted) return
        this.#serve(place, over.signal)
        return ended(over.signal)
      })
    } catch (error) {
      // Called off, or another tab has taken it while this one could not be heard. Else a browser keeps its locks to
      // itself, where pages may store nothing.
      if ((error as Error | null)?.name !== 'AbortError' && !signal.aborted) this.#stayAlone()
    } finally {
      signal.removeEventListener('abort', end)
      end()
    }
  }

  /** This tab holds the connection until `over`. */
  #serve(place: Place, over: AbortSignal): void {
    const { tabs, link } = this.#options
    const direct = this.#direct('leader')
    const onGone = (tab: string, then: () => void) =>
      void tabs.locks.request(tabLock(place.name, tab), { signal: over }, then).catch(nothing)
    link.use(direct)
    const server = new TabServer({ tab: this.#tab, link: direct, say: place.say, onGone })
    this.#server = server
    over.addEventListener('abort', () => {
      server.close()
      if (this.#server !== server) return
      this.#server = null
      if (!place.signal.aborted) this.#follow(place)
    })
  }
}

/** One text for somebody and what they may. */
export function identityOf({ id, scope = [] }: { id: string; scope?: string[] }): string {
  return JSON.stringify([id, ...scope.toSorted()])
}

function tabLock(name: string, tab: string): string {
  return `${name} tab ${tab}`
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
}

function nothing(): void {}
