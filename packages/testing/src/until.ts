/**
 * Asks again and again until the answer is neither `null`, `undefined` nor `false`; fails after `seconds` (default 20)
 * with what was waited for. For what happens outside of the test's own hands; what can be awaited is awaited.
 */
export async function until<T>(
  ask: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  { what = 'it', seconds = 20, everyMs = 10 }: { what?: string; seconds?: number; everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== null && answer !== undefined && answer !== false) return answer
    if (performance.now() > end) throw new Error(`${what} did not happen within ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
