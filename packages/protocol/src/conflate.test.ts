import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { conflate, conflateTexts } from './conflate.ts'
import { defineStream, type EventBase } from './define-stream.ts'

type Values = Record<string, number>

/** A fold in which the newest of a key counts, and whatever replaces nothing depends on all that was before it. */
const board = defineStream('boards/:id', {
  version: 1,
  events: {
    moved: z.object({ who: z.string(), to: z.number() }),
    faced: z.object({ who: z.string(), to: z.number() }),
    // Reads what `moved` and `faced` have left.
    counted: z.object({}),
    left: z.object({ who: z.string() }),
  },
  initial: { at: {} as Values, facing: {} as Values, sums: [] as number[] },
  fold: (state, event) => {
    switch (event.type) {
      case 'moved':
        return { ...state, at: { ...state.at, [event.who]: event.to } }
      case 'faced':
        return { ...state, facing: { ...state.facing, [event.who]: event.to } }
      case 'counted': {
        const all = [...Object.values(state.at), ...Object.values(state.facing)]
        return { ...state, sums: [...state.sums, all.reduce((sum, value) => sum + value, 0)] }
      }
      case 'left': {
        const { [event.who]: _, ...at } = state.at
        return { ...state, at }
      }
    }
  },
  replaces: { moved: ({ who }) => who, faced: ({ who }) => who },
})

const timestamp = '2026-01-01T00:00:00.000Z'
const who = fc.constantFrom('a', 'b', '', '__proto__x', 'moved', '\0')
const to = fc.integer({ min: -3, max: 3 })
const event: fc.Arbitrary<EventBase> = fc
  .oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('moved', 'faced'), who, to }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('counted') }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('left'), who }) },
    // Of a newer server.
    { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('flown', 'toString') }) },
  )
  .map((fields) => ({ ...fields, timestamp }))
const events = fc.array(event, { maxLength: 40 })

const keyOf = (item: EventBase) => board.replacementKey(item)
const foldOf = (all: readonly EventBase[]) => all.reduce(board.apply, board.initial)
/** Counted from the first: how many events that replace nothing stand before each event. */
const stretches = (all: readonly EventBase[]) => {
  let stretch = 0
  return all.map((item) => (keyOf(item) === null ? stretch++ : stretch))
}

describe('conflate', () => {
  it('[CONF1] the fold of what stays is the fold of all, in one go and in pages', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 10 }), (all, page) => {
        expect(foldOf(conflate(all, keyOf))).toEqual(foldOf(all))
        const pages = []
        for (let at = 0; at < all.length; at += page) pages.push(...conflate(all.slice(at, at + page), keyOf))
        expect(foldOf(pages)).toEqual(foldOf(all))
      }),
      { numRuns: 1_000 },
    )
  })

  it('[CONF2] what replaces nothing stays, and of each stretch between two of them the newest of every key', () => {
    fc.assert(
      fc.property(events, (all) => {
        const kept = new Set(conflate(all, keyOf))
        const stretchOf = stretches(all)
        for (const [index, item] of all.entries()) {
          const replaced = all.some(
            (later, at) =>
              at > index && keyOf(item) !== null && keyOf(later) === keyOf(item) && stretchOf[at] === stretchOf[index],
          )
          expect(kept.has(item)).toBe(!replaced)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('[CONF3] what stays is in order and ends with the last; doing it twice changes nothing', () => {
    fc.assert(
      fc.property(events, (all) => {
        const kept = conflate(all, keyOf)
        expect(kept).toEqual(all.filter((item) => kept.includes(item)))
        expect(kept.at(-1)).toBe(all.at(-1))
        expect(conflate(kept, keyOf)).toBe(kept)
      }),
      { numRuns: 500 },
    )
  })

  it('[CONF3] texts stay as they were written', () => {
    fc.assert(
      fc.property(events, (all) => {
        const texts = all.map((item, index) => `${JSON.stringify(item).slice(0, -1)}, "n" : ${index}.0 }`)
        const kept = conflateTexts(texts, board.replacementKey)
        expect(kept.map((text) => texts.indexOf(text))).toEqual(conflate(all, keyOf).map((item) => all.indexOf(item)))
      }),
    )
  })

  it('[CONF4] the same list comes back where nothing can go', () => {
    const all = [
      { type: 'moved', who: 'a', timestamp },
      { type: 'counted', timestamp },
      { type: 'moved', who: 'a', timestamp },
      { type: 'moved', who: 'b', timestamp },
    ]
    expect(conflate(all, keyOf)).toBe(all)
    expect(conflate([], keyOf)).toEqual([])
  })

  it('[CONF5] events of two types never have one key', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        const [moved, faced] = [
          keyOf({ type: 'moved', timestamp, who: one } as EventBase),
          keyOf({ type: 'faced', timestamp, who: other } as EventBase),
        ]
        expect(moved).not.toBe(faced)
        if (one !== other) expect(moved).not.toBe(keyOf({ type: 'moved', timestamp, who: other } as EventBase))
      }),
    )
    const ranks = defineStream('ranks', {
      version: 1,
      events: { a: z.object({ k: z.string() }), 'a b': z.object({ k: z.string() }) },
      initial: null,
      fold: () => null,
      replaces: { a: ({ k }) => k, 'a b': ({ k }) => k },
    })
    const keys = [
      { type: 'a', timestamp, k: 'b c' },
      { type: 'a b', timestamp, k: 'c' },
    ].map(ranks.replacementKey)
    expect(new Set(keys).size).toBe(2)
  })
})
