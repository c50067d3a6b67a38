import { APPENDS, changeStore, done, type Idb, type IdbStore, openIdb } from './idb.ts'
import type { Entry, Keep } from './outbox.ts'
import type { Tabs } from './world.ts'

interface Kept extends Entry {
  /** Whose it is: only the same somebody sends it. */
  of: string
  /** A lock that is held as long as the page that made it lives. */
  page: string
}

export interface KeptAppendsOptions {
  /** Who asks, in a text that is the same after a reload. */
  of(): Promise<string>
  /** A name nobody else has. */
  page: string
  tabs: Tabs
}

/**
 * Appends that outlive their page, in IndexedDB: those of a page that is gone are taken over by the next one of the same
 * somebody, with the numbers they were sent with, so that what had arrived is not taken twice.
 */
export class KeptAppends implements Keep {
  readonly #options: KeptAppendsOptions
  readonly #db: Promise<Idb>

  constructor(options: KeptAppendsOptions) {
    this.#options = options
    this.#db = openIdb()
    // Told again by whoever uses it.
    this.#db.catch(() => {})
    void options.tabs.locks.request(lockOf(options.page), {}, () => new Promise(() => {})).catch(() => {})
  }

  async adopt(): Promise<Entry[]> {
    try {
      const [db, of] = await Promise.all([this.#db, this.#options.of()])
      const all = await done<Kept[]>(db.transaction(APPENDS, 'readonly').objectStore(APPENDS).getAll())
      const others = all.filter((kept) => kept.of === of && kept.page !== this.#options.page)
      const orphans: Kept[] = []
      for (const page of new Set(others.map(({ page }) => page))) {
        const isGone = await this.#options.tabs.locks.request(
          lockOf(page),
          { ifAvailable: true },
          (lock) => lock !== null,
        )
        if (isGone) orphans.push(...(await this.#takeOver(others.filter((kept) => kept.page === page))))
      }
      return orphans.map(({ of: _, page: __, ...entry }) => entry)
    } catch {
      return []
    }
  }

  async put(entry: Entry): Promise<void> {
    await this.#change((appends, of) => appends.put({ ...entry, of, page: this.#options.page }))
  }

  async remove(id: string): Promise<void> {
    await this.#change((appends) => appends.delete(id))
  }

  /** Those that are still there: of two pages that look for them, one gets each. */
  async #takeOver(found: Kept[]): Promise<Kept[]> {
    const taken: Kept[] = []
    await changeStore(await this.#db, APPENDS, async (appends) => {
      for (const { id, page } of found) {
        const now = await done<Kept | undefined>(appends.get(id))
        if (now?.page !== page) continue
        appends.put({ ...now, page: this.#options.page })
        taken.push(now)
      }
    })
    return taken
  }

  async #change(change: (appends: IdbStore, of: string) => void): Promise<void> {
    try {
      // Before the transaction: it would end while something else is waited for.
      const [db, of] = await Promise.all([this.#db, this.#options.of()])
      await changeStore(db, APPENDS, (appends) => change(appends, of))
    } catch {
      // Full, or closed by a newer page: the append itself goes on, it only does not outlive this page.
    }
  }
}

function lockOf(page: string): string {
  return `holdfast page ${page}`
}
