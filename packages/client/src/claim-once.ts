/**
 * Whether this is the first to ask for `key` in this browser: `true` once for all its tabs and all time (90 days), `false`
 * ever after. Where nothing can be kept (Node, some private windows) it is `true` each time: better twice than never.
 */
export async function claimOnce(key: string): Promise<boolean> {
  try {
    const { claim } = await import('./claims.ts')
    return await claim(key, Date.now())
  } catch {
    return true
  }
}
