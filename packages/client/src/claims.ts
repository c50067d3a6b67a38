import { CLAIMS, changeStore, done, openIdb } from './idb.ts'

/** How long a claim is remembered, ms: nothing is claimed that is older. */
const REMEMBERED_MS = 90 * 24 * 3600 * 1000

/** Whether `key` was not claimed before. Rejects where nothing can be kept. */
export async function claim(key: string, now: number): Promise<boolean> {
  const db = await openIdb()
  try {
    await changeStore(db, CLAIMS, async (claims) => {
      await done(claims.add({ key, at: now }))
      const all = await done<{ key: string; at: number }[]>(claims.getAll())
      for (const { key: old, at } of all) if (at < now - REMEMBERED_MS) claims.delete(old)
    })
    return true
  } catch (error) {
    if ((error as Error | null)?.name === 'ConstraintError') return false
    throw error
  } finally {
    db.close()
  }
}
