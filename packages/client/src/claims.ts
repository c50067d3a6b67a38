import { CLAIMS, changeStore, done, type Idb, openIdb } from './idb.ts'

/** How long a claim is remembered, ms: nothing is claimed that is older. */
const REMEMBERED_MS = 90 * 24 * 3600 * 1000

/**
 * Whether this is the first to ask for `key` in this browser: `true` once for all its tabs and all time (90 days), `false`
 * ever after. Where nothing can be kept (Node, some private windows) it is `true` each time: better twice than never.
 */
export async function claimOnce(key: string, now = Date.now()): Promise<boolean> {
  let db: Idb | null = null
  try {
    db = await openIdb()
    await changeStore(db, CLAIMS, (claims) => claims.add({ key, at: now }))
    await changeStore(db, CLAIMS, async (claims) => {
      const all = await done<{ key: string; at: number }[]>(claims.getAll())
      for (const { key: old, at } of all) if (at < now - REMEMBERED_MS) claims.delete(old)
    })
    return true
  } catch (error) {
    return (error as Error | null)?.name !== 'ConstraintError'
  } finally {
    db?.close()
  }
}
