/** What this origin keeps in the browser's database; its two stores are of kept-appends.ts and claims.ts. */
const NAME = 'holdfast'
const VERSION = 1
export const APPENDS = 'appends'
export const CLAIMS = 'claims'

/** What is used of IndexedDB, which the types of Node do not have. Source: W3C, Indexed Database API. */
export interface Idb {
  transaction(store: string, mode: 'readonly' | 'readwrite'): IdbTransaction
  createObjectStore(name: string, options: { keyPath: string }): IdbStore
  close(): void
  onversionchange: (() => void) | null
}
export interface IdbStore {
  get(key: string): IdbRequest
  getAll(): IdbRequest
  add(value: object): IdbRequest
  put(value: object): IdbRequest
  delete(key: string): IdbRequest
  createIndex(name: string, keyPath: string): unknown
}
interface IdbRequest {
  result: unknown
  error: Error | null
  onsuccess: (() => void) | null
  onerror: (() => void) | null
}
interface IdbTransaction {
  objectStore(name: string): IdbStore
  error: Error | null
  oncomplete: (() => void) | null
  onabort: (() => void) | null
}
interface IdbFactory {
  open(name: string, version: number): IdbRequest & { onupgradeneeded: (() => void) | null }
}

/** Opens it, and makes what is missing. Rejects where there is none (Node, some private windows). */
export async function openIdb(): Promise<Idb> {
  const { indexedDB } = globalThis as { indexedDB?: IdbFactory }
  if (!indexedDB) throw new Error('There is no IndexedDB here.')
  const opening = indexedDB.open(NAME, VERSION)
  opening.onupgradeneeded = () => {
    const db = opening.result as Idb
    db.createObjectStore(APPENDS, { keyPath: 'id' })
    db.createObjectStore(CLAIMS, { keyPath: 'key' })
  }
  const db = await done<Idb>(opening)
  // A newer page wants to change it: it does not wait for this one.
  db.onversionchange = () => db.close()
  return db
}

/** What a request yields. */
export function done<T>(request: IdbRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T)
    request.onerror = () => reject(request.error)
  })
}

/** Changes a store; resolves when what was done will last. `change` may wait only for requests of the store. */
export async function changeStore(db: Idb, name: string, change: (store: IdbStore) => unknown): Promise<void> {
  const transaction = db.transaction(name, 'readwrite')
  const committed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
  await Promise.all([change(transaction.objectStore(name)), committed])
}
