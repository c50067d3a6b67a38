import type { Offset } from '@holdfast/protocol'
import { IDLE, isOpen } from './connection-policy.ts'
import type { Credentials } from './credentials.ts'
import { DirectLink } from './direct-link.ts'
import { FollowerLink } from './follower-link.ts'
import type { Append, Appended, Link, LinkStatus, Role, StreamReader } from './link.ts'
import type { TabMessage } from './tab-messages.ts'
import { TabServer } from './tab-server.ts'
import type { TabChannel, Tabs } from './world.ts'

export interface SharedLinkOptions {
  credentials: Credentials
  tabs: Tabs
  /**
   * Says who asks, principal and rights, in one text: only tabs of which it is the same share. Rejects where that
   * cannot be found out now.
   */
  identity(): Promise<string>
}

/** How often a tab wants to hear of the one that holds the connection, ms. It takes over after two in vain. */
export const TAB_BEAT_MS = 5_000

interface Opened {
  stream: string
  close(): void
}

/**
 * One connection for all tabs of a browser that are the same somebody: the tab that holds a lock has it, the others
 * read and append through that tab. The lock falls to the next tab when its holder closes; one that holds it and is
 * not heard of is robbed of it. Whoever changes places takes up every stream at its position.
 */
export class SharedLink implements Link {
  readonly #options: SharedLinkOptions
  readonly #tab: string
  readonly #listeners = new Set<() => void>()
  readonly #opened = new Map<StreamReader, Opened>()
  readonly #stopLife: (() => void) | undefined
  #inner: Link | null = null
  #status: LinkStatus = { connection: { ...IDLE, state: 'connecting' }, error: null, role: 'alone' }
  #whenInner = Promise.withResolvers<Link>()
  #stopStatus: (() => void) | null = null
  #server: TabServer | null = null
  /** Aborted to leave the other tabs. */
  #stay: AbortController | null = null
  #key: string | null = null
  #isClosed = false

  constructor(options: SharedLinkOptions) {
    this.#options = options
    this.#tab = options.credentials.world.id()
    this.#stopLife = options.tabs.onLife?.((isAwake) => (isAwake ? void this.#find() : this.#leave()))
    void this.#find()
  }

  get status(): LinkStatus {
    return this.#status
  }

  onStatus(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  open(stream: string, reader: StreamReader): () => void {
    this.#opened.set(reader, { stream, close: this.#inner?.open(stream, reader) ?? nothing })
    return () => {
      const opened = this.#opened.get(reader)
      this.#opened.delete(reader)
      opened?.close()
    }
  }

  align(stream: string, position: Offset): void {
    this.#inner?.align(stream, position)
  }

  async append(append: Append): Promise<Appended> {
    const link = this.#inner ?? (await this.#whenInner.promise)
    return link.append(append)
  }

  reconnect(): void {
    // Whoever was refused may be somebody by now.
    if (this.#key === null) void this.#find()
    this.#inner?.reconnect()
  }

  close(): void {
    this.#isClosed = true
    this.#stopLife?.()
    this.#leave()
  }

  /** Finds out who asks, and joins the tabs of the same; alone for as long as that cannot be found out. */
  async #find(): Promise<void> {
    if (this.#isClosed || this.#stay) return
    const stay = new AbortController()
    this.#stay = stay
    try {
      const key = await this.#options.identity()
      if (!stay.signal.aborted) this.#join(key, stay.signal)
    } catch {
      if (!stay.signal.aborted) this.#goAlone()
    }
  }

  #goAlone(): void {
    const link = this.#direct('alone')
    this.#use(link)
    this.#stay = null
    const stop = link.onStatus(() => {
      if (!isOpen(link.status.connection)) return
      stop()
      if (this.#inner === link) void this.#find()
    })
  }

  #direct(role: Role): DirectLink {
    return new DirectLink({
      credentials: this.#options.credentials,
      role,
      onWelcome: ({ principal, scope }) => this.#checkIdentity(principal, scope),
    })
  }

  /** The browser's session may have become another's since this tab asked who it is. */
  #checkIdentity(principal: string | undefined, scope: string[] | undefined): void {
    if (this.#key === null || principal === undefined || this.#key === identityOf({ id: principal, scope })) return
    this.#leave()
    void this.#find()
  }

  #leave(): void {
    this.#stay?.abort()
    this.#stay = null
    this.#key = null
    this.#use(null)
  }

  #join(key: string, signal: AbortSignal): void {
    const { tabs, credentials } = this.#options
    const name = `holdfast ${credentials.world.baseUrl} ${key}`
    this.#key = key
    const channel = tabs.channel(name)
    const say = (message: TabMessage) => channel.postMessage(message)
    const follower = new FollowerLink(this.#tab, say)
    signal.addEventListener('abort', () => channel.close())
    // Held for as long as this tab lives: so the others notice its end.
    void hold(tabs, tabLock(name, this.#tab), signal)
    this.#follow(follower, channel, name, signal)
    void this.#leadInTurn(name, channel, signal)
  }

  #follow(follower: FollowerLink, channel: TabChannel, name: string, signal: AbortSignal): void {
    const { clock } = this.#options.credentials.world
    let missed = 0
    channel.onmessage = ({ data }) => {
      const message = data as TabMessage
      if (message.type === 'leader' || message.type === 'frame') missed = 0
      if (this.#server) this.#server.hear(message)
      else if (this.#inner === follower) follower.hear(message)
    }
    const beat = () => {
      const cancel = clock.after(TAB_BEAT_MS, () => {
        if (signal.aborted) return
        missed = this.#server ? 0 : missed + 1
        if (missed > 2) {
          missed = 0
          void this.#lead(name, channel, signal, { steal: true })
        } else if (!this.#server) {
          channel.postMessage({ type: 'ask', tab: this.#tab } satisfies TabMessage)
        }
        beat()
      })
      signal.addEventListener('abort', cancel, { once: true })
    }
    this.#use(follower)
    channel.postMessage({ type: 'ask', tab: this.#tab } satisfies TabMessage)
    beat()
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
    how: Parameters<Tabs['locks']['request']>[1],
  ): Promise<void> {
    const over = new AbortController()
    const end = () => over.abort()
    signal.addEventListener('abort', end)
    try {
      await this.#options.tabs.locks.request(name, how, () => {
        if (signal.aborted || this.#server) return undefined
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
    const { tabs } = this.#options
    const link = this.#direct('leader')
    const say = (message: TabMessage) => channel.postMessage(message)
    const onGone = (tab: string, then: () => void) =>
      void tabs.locks.request(tabLock(name, tab), { signal }, then).catch(nothing)
    this.#use(link)
    const server = new TabServer({ tab: this.#tab, link, say, onGone })
    this.#server = server
    signal.addEventListener('abort', () => {
      this.#server = null
      server.close()
      if (this.#inner === link) this.#use(this.#stay ? new FollowerLink(this.#tab, say) : null)
    })
  }

  /** Takes up every stream on another way to the server. */
  #use(link: Link | null): void {
    const before = this.#inner
    this.#stopStatus?.()
    this.#inner = link
    before?.close()
    if (before) this.#whenInner = Promise.withResolvers<Link>()
    if (link === null) return
    this.#whenInner.resolve(link)
    this.#stopStatus = link.onStatus(() => this.#tell(link.status))
    for (const [reader, opened] of this.#opened) opened.close = link.open(opened.stream, reader)
    this.#tell(link.status)
  }

  #tell(status: LinkStatus): void {
    this.#status = status
    for (const listener of [...this.#listeners]) listener()
  }
}

/** One text for somebody and what they may. */
export function identityOf({ id, scope = [] }: { id: string; scope?: string[] | undefined }): string {
  return JSON.stringify([id, ...scope.toSorted()])
}

function tabLock(name: string, tab: string): string {
  return `${name} tab ${tab}`
}

function hold(tabs: Tabs, name: string, signal: AbortSignal): Promise<unknown> {
  return tabs.locks.request(name, {}, () => ended(signal)).catch(nothing)
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function nothing(): void {}
