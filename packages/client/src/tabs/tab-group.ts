import { isOpen } from '../connection-policy.ts'
import type { Credentials } from '../credentials.ts'
import { DirectLink } from '../direct-link.ts'
import type { Role } from '../link.ts'
import type { SwitchLink } from '../switch-link.ts'
import type { TabChannel, Tabs } from '../world.ts'
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

/** How often a tab wants to hear of the one that holds the connection, ms. It takes over after two in vain. */
export const TAB_BEAT_MS = 5_000
const BEATS = 2

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
    try {
      const key = await this.#options.identity(isNew)
      if (!stay.signal.aborted) this.#join(key, stay.signal)
    } catch {
      if (!stay.signal.aborted) this.#goAlone()
    }
  }

  #goAlone(): void {
    const link = this.#direct('alone')
    this.#stay = null
    this.#options.link.use(link)
    const stop = link.onStatus(() => {
      if (!isOpen(link.status.connection)) return
      stop()
      if (this.#options.link.inner === link) void this.#find(true)
    })
  }

  #direct(role: Role): DirectLink {
    const { credentials } = this.#options
    return new DirectLink({ credentials, role, onWelcome: ({ principal, scope }) => this.#onWelcome(principal, scope) })
  }

  /** The browser's session may have become another's since this tab asked who it is. */
  #onWelcome(principal: string, scope: string[]): void {
    if (this.#key === null || this.#key === identityOf({ id: principal, scope })) return
    this.#leave()
    void this.#find(true)
  }

  #leave(): void {
    this.#stay?.abort()
    this.#stay = null
    this.#key = null
    this.#options.link.use(null)
  }

  #join(key: string, signal: AbortSignal): void {
    const { tabs, credentials } = this.#options
    const name = `holdfast ${credentials.world.baseUrl} ${key}`
    const channel = tabs.channel(name)
    this.#key = key
    signal.addEventListener('abort', () => channel.close())
    // Held for as long as this tab lives: so the others notice its end.
    void tabs.locks.request(tabLock(name, this.#tab), {}, () => ended(signal)).catch(nothing)
    this.#listen(channel)
    this.#beat(name, channel, signal)
    void this.#leadInTurn(name, channel, signal)
  }

  #listen(channel: TabChannel): void {
    const { link } = this.#options
    channel.onmessage = ({ data }) => {
      const message = data as TabMessage
      if (message.type === 'leader' || message.type === 'frame') this.#missed = 0
      if (this.#server) this.#server.hear(message)
      else if (link.inner instanceof FollowerLink) link.inner.hear(message)
    }
    this.#follow(channel)
  }

  /** Through whichever tab holds the connection. */
  #follow(channel: TabChannel): void {
    const say = (message: TabMessage) => channel.postMessage(message)
    this.#missed = 0
    this.#options.link.use(new FollowerLink(this.#tab, say))
    say({ type: 'ask', tab: this.#tab })
  }

  #beat(name: string, channel: TabChannel, signal: AbortSignal): void {
    const cancel = this.#options.credentials.world.clock.after(TAB_BEAT_MS, () => {
      signal.removeEventListener('abort', cancel)
      this.#missed += 1
      if (!this.#server && this.#missed > BEATS) void this.#lead(name, channel, signal, { steal: true })
      else if (!this.#server) channel.postMessage({ type: 'ask', tab: this.#tab } satisfies TabMessage)
      this.#beat(name, channel, signal)
    })
    signal.addEventListener('abort', cancel)
  }

  /** Whenever the lock is free; again after it was taken away. */
  async #leadInTurn(name: string, channel: TabChannel, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#lead(name, channel, signal, { signal })
  }

  /** Resolves when this tab leads no more. */
  async #lead(
    name: string,
    channel: TabChannel,
    signal: AbortSignal,
    how: { signal?: AbortSignal; steal?: boolean },
  ): Promise<void> {
    const over = new AbortController()
    const end = () => over.abort()
    signal.addEventListener('abort', end)
    try {
      await this.#options.tabs.locks.request(name, how, () => {
        if (signal.aborted) return
        this.#serve(name, channel, over.signal)
        return ended(over.signal)
      })
    } catch {
      // Called off, or another tab has taken it while this one could not be heard.
    } finally {
      signal.removeEventListener('abort', end)
      end()
    }
  }

  #serve(name: string, channel: TabChannel, signal: AbortSignal): void {
    const { tabs, link } = this.#options
    const direct = this.#direct('leader')
    const onGone = (tab: string, then: () => void) =>
      void tabs.locks.request(tabLock(name, tab), { signal }, then).catch(nothing)
    link.use(direct)
    const say = (message: TabMessage) => channel.postMessage(message)
    const server = new TabServer({ tab: this.#tab, link: direct, say, onGone })
    this.#server = server
    signal.addEventListener('abort', () => {
      server.close()
      if (this.#server !== server) return
      this.#server = null
      if (this.#stay) this.#follow(channel)
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
