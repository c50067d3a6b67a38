import type { EventBase } from './define-stream.ts'

/**
 * Leaves out what a later event replaces. Of the events between two that replace nothing, only the last of each key
 * stays, in its place; an event that replaces nothing is never crossed, so that a fold sees everything it could
 * depend on in order.
 *
 * `keyOf` is `replacementKey` of the definition. Answers the same array where nothing can go.
 */
export function conflate<Item>(items: readonly Item[], keyOf: (item: Item) => string | null): readonly Item[] {
  const seen = new Set<string>()
  const kept: Item[] = []
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index] as Item
    const key = keyOf(item)
    if (key === null) seen.clear()
    else if (seen.has(key)) continue
    else seen.add(key)
    kept.push(item)
  }
  return kept.length === items.length ? items : kept.reverse()
}

/** `conflate` over stored texts. */
export function conflateTexts(
  texts: readonly string[],
  replacementKey: (event: EventBase) => string | null,
): readonly string[] {
  return conflate(texts, (text) => replacementKey(JSON.parse(text)))
}
