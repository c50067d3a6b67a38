import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IndexedChunk, SearchIndex } from '../../ports.ts'

/** An index with the store its passages stand in. */
export interface SearchWorld extends AsyncDisposable {
  readonly index: SearchIndex
  /** Makes passages of a file stand in the store, in place of those with the same ids. */
  store(projectId: string, fileId: string, passages: readonly IndexedChunk[]): Promise<void>
  /** Takes a file's passages out of the store. */
  drop(fileId: string): Promise<void>
  /** Closes the index and opens it again. */
  reopen(): Promise<void>
}

const passage = (id: number, text: string, path: string[] = []) => ({ id, text, path })

/** What every search index promises, whatever stands behind it. */
export function describeSearchIndex(name: string, make: () => Promise<SearchWorld>): void {
  let world: SearchWorld
  beforeEach(async () => {
    world = await make()
  })
  afterEach(() => world[Symbol.asyncDispose]())

  const put = async (projectId: string, fileId: string, passages: IndexedChunk[]) => {
    await world.store(projectId, fileId, passages)
    await world.index.put(projectId, fileId, passages)
  }
  const takeOut = async (projectId: string, fileId: string) => {
    await world.index.remove(projectId, fileId)
    await world.drop(fileId)
  }
  const search = (query: string, projectId = 'p1') => world.index.search(projectId, query, { limit: 50, offset: 0 })
  const ids = async (query: string, projectId = 'p1') => (await search(query, projectId)).map(({ chunkId }) => chunkId)

  /** What of each passage a search marks. */
  async function marked(query: string, texts: Record<number, string>) {
    return (await search(query)).map(({ chunkId, highlights }) => {
      return highlights.map(([start, end]) => texts[chunkId]?.slice(start, end))
    })
  }

  describe(`The search index on ${name}`, () => {
    it('[ING5] finds passages with all words before it finds any with some', async () => {
      await put('p1', 'f1', [passage(1, 'red boats'), passage(2, 'blue boats'), passage(3, 'red flags')])
      expect(await ids('red boats')).toEqual([1])
      expect((await ids('red submarine')).sort()).toEqual([1, 3])
      expect(await ids('green submarine')).toEqual([])
    })

    it('[ING5] keeps a phrase in quotes together', async () => {
      await put('p1', 'f1', [passage(1, 'the north wind blows'), passage(2, 'wind from the north')])
      expect(await ids('"north wind"')).toEqual([1])
      expect((await ids('north wind')).sort()).toEqual([1, 2])
      expect(await ids('"north wind')).toEqual([1])
    })

    it('[ING5] takes the last word for a beginning, since it may still be typed', async () => {
      await put('p1', 'f1', [passage(1, 'a lighthouse'), passage(2, 'a light')])
      expect((await ids('lighth')).sort()).toEqual([1])
      expect(await ids('"light"')).toEqual([2])
      expect(await ids('li')).toEqual([])
    })

    it('[ING5] finds other forms of a word, whatever its case and accents', async () => {
      await put('p1', 'f1', [passage(1, 'Connected ÉTUDES of naïve sailors')])
      for (const query of ['connecting', 'etudes', 'NAIVE', 'sailor', 'étude'])
        expect(await ids(query), query).toEqual([1])
    })

    it('[ING5] ranks a word in the heading above one in the text', async () => {
      await put('p1', 'f1', [passage(1, 'an anchor in the text of it'), passage(2, 'other words here', ['Anchor'])])
      expect(await ids('anchor')).toEqual([2, 1])
      const scores = (await search('anchor')).map(({ score }) => score)
      expect(scores[0]).toBeGreaterThan(scores[1] ?? 0)
    })

    it('[ING5] ranks a short passage about a word above a long one that says it in passing', async () => {
      const long = Array.from({ length: 300 }, (_, n) => `other${n}`).join(' ')
      await put('p1', 'f1', [passage(1, `${long} anchor ${long}`), passage(2, 'Every anchor of the ship')])
      expect(await ids('anchor')).toEqual([2, 1])
    })

    it('[ING5] marks what matched, to the character, also behind what takes two', async () => {
      const texts = { 1: '🚢🚢 naïve ships and Ships 🚢', 2: 'no match but shipping' }
      await put('p1', 'f1', [passage(1, texts[1]), passage(2, texts[2])])
      expect((await marked('ships', texts)).sort()).toEqual([['ships', 'Ships'], ['shipping']].sort())
      expect(await marked('"naive ships"', texts)).toEqual([['naïve ships']])
    })

    it('[ING5] marks rightly in a text that holds control characters', async () => {
      const texts = { 1: 'a\u0001b\u0002 c\u0000d anchor' }
      await put('p1', 'f1', [passage(1, texts[1])])
      expect(await marked('anchor', texts)).toEqual([['anchor']])
    })

    it('[ING5] knows nothing of other projects', async () => {
      await put('p1', 'f1', [passage(1, 'secret of one')])
      await put('p2', 'f2', [passage(2, 'secret of two')])
      expect(await ids('secret', 'p1')).toEqual([1])
      expect(await ids('secret', 'p2')).toEqual([2])
      expect(await ids('p1')).toEqual([])
      expect(await ids('secret', 'p')).toEqual([])
      expect(await ids('secret', 'p1" OR "p2')).toEqual([])
    })

    it('[ING5] replaces a passage put again and removes those of a file, and of no other', async () => {
      await put('p1', 'f1', [passage(1, 'old words'), passage(2, 'more')])
      await put('p1', 'f2', [passage(3, 'old neighbours')])
      await put('p1', 'f1', [passage(1, 'new words')])
      expect(await ids('old')).toEqual([3])
      expect(await ids('new')).toEqual([1])
      expect(await world.index.size()).toBe(3)
      await takeOut('p1', 'f1')
      await takeOut('p1', 'f1')
      expect(await ids('new')).toEqual([])
      expect(await ids('old')).toEqual([3])
      expect(await world.index.size()).toBe(1)
    })

    it('[ING5] comes page by page', async () => {
      await put(
        'p1',
        'f1',
        Array.from({ length: 30 }, (_, n) => passage(n + 1, `kelp ${'x '.repeat(n)}`)),
      )
      const all = await ids('kelp')
      const pages: number[] = []
      for (let offset = 0; offset < 30; offset += 7) {
        pages.push(...(await world.index.search('p1', 'kelp', { limit: 7, offset })).map(({ chunkId }) => chunkId))
      }
      expect(pages).toEqual(all)
    })

    it('[ING5] does not go over to fewer words on a page behind the last', async () => {
      await put('p1', 'f1', [passage(1, 'red boats'), passage(2, 'red flags'), passage(3, 'boats')])
      expect(await world.index.search('p1', 'red boats', { limit: 1, offset: 1 })).toEqual([])
      const either = await world.index.search('p1', 'red submarine', { limit: 1, offset: 1 })
      expect(either).toHaveLength(1)
    })

    it('[ING5] is still there when it is opened again', async () => {
      await put('p1', 'f1', [passage(1, 'kept words')])
      await world.reopen()
      expect(await ids('kept')).toEqual([1])
    })
  })

  describe(`Whatever somebody types, on ${name},`, () => {
    const HOSTILE = [
      '',
      ' ',
      '"',
      '""',
      '"""',
      "'; DROP TABLE passages; --",
      'a AND',
      'OR OR OR',
      'NOT anchor',
      'NEAR(anchor boat, 5)',
      'anchor NEAR boat',
      'heading : anchor',
      '{text} : anchor',
      'anc*',
      '*',
      '^anchor',
      'anchor +',
      '(anchor',
      'anchor)',
      '-anchor',
      'a\u0000b',
      '\u0000',
      '🚢',
      '\u0301',
      '\ud800',
      '%_\\',
      'x'.repeat(10_000),
      'word '.repeat(2_000),
      '"'.repeat(10_000),
    ]

    it('[ING6] is words to search for, never an operator and never an error', async () => {
      await put('p1', 'f1', [passage(1, 'the anchor of a boat, not near')])
      for (const query of HOSTILE)
        await expect(search(query), JSON.stringify(query.slice(0, 40))).resolves.toBeInstanceOf(Array)
      expect(await ids('NOT anchor')).toEqual([1])
      expect(await ids('anchor NEAR boat')).toEqual([1])
      expect(await ids('-anchor')).toEqual([1])
      expect(await ids('🚢')).toEqual([])
    })

    it('[ING6] holds for any text at all', async () => {
      await put('p1', 'f1', [passage(1, 'the anchor of a boat')])
      const typed = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.stringMatching(/^[ "*^:(){}a-cANDORT+-]{0,30}$/),
      )
      await fc.assert(
        fc.asyncProperty(typed, async (query) => {
          for (const { highlights } of await search(query)) {
            expect(highlights.every(([start, end]) => start < end && end <= 20)).toBe(true)
          }
        }),
        { numRuns: 400, seed: 8 },
      )
    })

    it('[ING6] marks the words it found in any text it was given', async () => {
      const noise = fc.string({ unit: 'grapheme', maxLength: 40 })
      let id = 0
      await fc.assert(
        fc.asyncProperty(noise, noise, async (before, after) => {
          id += 1
          const text = `${before} zugzwang ${after}`
          await put(`project-${id}`, `f${id}`, [passage(id, text)])
          const [hit] = await search('zugzwang', `project-${id}`)
          expect(hit?.highlights.map(([start, end]) => text.slice(start, end))).toContain('zugzwang')
        }),
        { numRuns: 150, seed: 9 },
      )
    })
  })

  describe(`Restoring passages on ${name}`, () => {
    async function* batches(...all: ReturnType<typeof passage>[][]) {
      yield* all
    }

    it('[ING7] puts them in place of what was there of the file', async () => {
      await put('p1', 'f1', [passage(1, 'old marten')])
      await world.reopen()
      await world.drop('f1')
      await world.store('p1', 'f1', [passage(2, 'new marten'), passage(3, 'newer marten')])
      await world.index.restore('p1', 'f1', batches([passage(2, 'new marten')], [passage(3, 'newer marten')]))
      expect((await ids('marten')).sort()).toEqual([2, 3])
      expect(await world.index.extents(['f1', 'f2'])).toEqual([{ fileId: 'f1', passages: 2, first: 2, last: 3 }])
    })

    it('[ING7] brings nothing back that was taken out meanwhile', async () => {
      async function* removedMeanwhile() {
        yield [passage(1, 'first marten')]
        await takeOut('p1', 'f1')
        yield [passage(2, 'second marten')]
      }
      await world.store('p1', 'f1', [passage(1, 'first marten'), passage(2, 'second marten')])
      await world.index.restore('p1', 'f1', removedMeanwhile())
      expect(await world.index.size()).toBe(0)
      await put('p1', 'f2', [passage(9, 'fresh marten')])
      await world.index.restore('p1', 'f2', batches([passage(3, 'stale marten')]))
      expect(await ids('marten')).toEqual([9])
    })
  })
}
