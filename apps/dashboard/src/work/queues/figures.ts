/** The server counts so far; beyond it says that there are more. */
const COUNTED_MOST = 100_000

/** `12`, `100,000+`. */
export function countText(count: number): string {
  return count > COUNTED_MOST ? `${COUNTED_MOST.toLocaleString('en')}+` : count.toLocaleString('en')
}
