import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SearchIndex } from '../../ports.ts'
import { openSqliteSearchIndex } from './sqlite-search-index.ts'

let folder: string
let index: SearchIndex

const open = () =>
  openSqliteSearchIndex({ path: join(folder, 'search.db'), onFatal: (error) => expect.fail(error.message) })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-search-'))
  index = await open()
})
afterEach(async () => {
  await index.close()
  await rm(folder, { recursive: true, force: true })
})

const passage = (id: number, text: string, path: string[] = []) => ({ id, text, path })
const search = (query: string, projectId = 'p1') => index.search(projectId, query, { limit: 50, offset: 0 })
const ids = async (query: string, projectId = 'p1') => (await search(query, projectId)).map(({ chunkId }) => chunkId)

/** What of each passage a search marks. */
async function marked(query: string, texts: Record<number, string>) {
  return (await search(query)).map(({ chunkId, highlights }) => {
    return highlights.map(([start, end]) => texts[chunkId]?.slice(start, end))
  })
}

describe('The search index', () => {
  it('[ING5] finds passages with all words before it finds any with some', async () => {
    await index.put('p1', 'f1', [passage(1, 'red boats'), passage(2, 'blue boats'), passage(3, 'red flags')])
    expect(await ids('red boats')).toEqual([1])
    expect((await ids('red submarine')).sort()).toEqual([1, 3])
    expect(await ids('green submarine')).toEqual([])
  })

  it('[ING5] keeps a phrase in quotes together', async () => {
    await index.put('p1', 'f1', [passage(1, 'the north wind blows'), passage(2, 'wind from the north')])
    expect(await ids('"north wind"')).toEqual([1])
    expect((await ids('north wind')).sort()).toEqual([1, 2])
    expect(await ids('"north wind')).toEqual([1])
  })

  it('[ING5] takes the last word for a beginning, since it may still be typed', async () => {
    await index.put('p1', 'f1', [passage(1, 'a lighthouse'), passage(2, 'a light')])
    expect((await ids('lighth')).sort()).toEqual([1])
    expect(await ids('"light"')).toEqual([2])
    expect(await ids('li')).toEqual([])
  })

  it('[ING5] finds other forms of a word, whatever its case and accents', async () => {
    await index.put('p1', 'f1', [passage(1, 'Connected ÉTUDES of naïve sailors')])
    for (const query of ['connecting', 'etudes', 'NAIVE', 'sailor', 'étude'])
      expect(await ids(query), query).toEqual([1])
  })

  it('[ING5] ranks a word in the heading above one in the text', async () => {
    await index.put('p1', 'f1', [passage(1, 'an anchor in the text of it'), passage(2, 'other words here', ['Anchor'])])
    expect(await ids('anchor')).toEqual([2, 1])
    const scores = (await search('anchor')).map(({ score }) => score)
    expect(scores[0]).toBeGreaterThan(scores[1] ?? 0)
  })

  it('[ING5] marks what matched, to the character, also behind what takes two', async () => {
    const texts = { 1: '🚢🚢 naïve ships and Ships 🚢', 2: 'no match but shipping' }
    await index.put('p1', 'f1', [passage(1, texts[1]), passage(2, texts[2])])
    expect((await marked('ships', texts)).sort()).toEqual([['ships', 'Ships'], ['shipping']].sort())
    expect(await marked('"naive ships"', texts)).toEqual([['naïve ships']])
  })

  it('[ING5] marks rightly in a text that holds control characters', async () => {
    const texts = { 1: 'a\u0001b\u0002 c\u0000d anchor' }
    await index.put('p1', 'f1', [passage(1, texts[1])])
    expect(await marked('anchor', texts)).toEqual([['anchor']])
  })

  it('[ING5] knows nothing of other projects', async () => {
    await index.put('p1', 'f1', [passage(1, 'secret of one')])
    await index.put('p2', 'f2', [passage(2, 'secret of two')])
    expect(await ids('secret', 'p1')).toEqual([1])
    expect(await ids('secret', 'p2')).toEqual([2])
    expect(await ids('p1')).toEqual([])
    expect(await ids('secret', 'p')).toEqual([])
    expect(await ids('secret', 'p1" OR "p2')).toEqual([])
  })

  it('[ING5] replaces a passage put again and removes those of a file, and of no other', async () => {
    await index.put('p1', 'f1', [passage(1, 'old words'), passage(2, 'more')])
    await index.put('p1', 'f2', [passage(3, 'old neighbours')])
    await index.put('p1', 'f1', [passage(1, 'new words')])
    expect(await ids('old')).toEqual([3])
    expect(await ids('new')).toEqual([1])
    expect(await index.size()).toBe(3)
    await index.remove('p1', 'f1')
    await index.remove('p1', 'f1')
    expect(await ids('new')).toEqual([])
    expect(await ids('old')).toEqual([3])
    expect(await index.size()).toBe(1)
  })

  it('[ING5] comes page by page', async () => {
    await index.put(
      'p1',
      'f1',
      Array.from({ length: 30 }, (_, n) => passage(n + 1, `kelp ${'x '.repeat(n)}`)),
    )
    const all = await ids('kelp')
    const pages: number[] = []
    for (let offset = 0; offset < 30; offset += 7) {
      pages.push(...(await index.search('p1', 'kelp', { limit: 7, offset })).map(({ chunkId }) => chunkId))
    }
    expect(pages).toEqual(all)
  })

  it('[ING5] does not go over to fewer words on a page behind the last', async () => {
    await index.put('p1', 'f1', [passage(1, 'red boats'), passage(2, 'red flags'), passage(3, 'boats')])
    expect(await index.search('p1', 'red boats', { limit: 1, offset: 1 })).toEqual([])
    const either = await index.search('p1', 'red submarine', { limit: 1, offset: 1 })
    expect(either).toHaveLength(1)
  })

  it('[ING5] is still there when it is opened again', async () => {
    await index.put('p1', 'f1', [passage(1, 'kept words')])
    await index.close()
    index = await open()
    expect(await ids('kept')).toEqual([1])
  })
})

describe('Whatever somebody types', () => {
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
    await index.put('p1', 'f1', [passage(1, 'the anchor of a boat, not near')])
    for (const query of HOSTILE)
      await expect(search(query), JSON.stringify(query.slice(0, 40))).resolves.toBeInstanceOf(Array)
    expect(await ids('NOT anchor')).toEqual([1])
    expect(await ids('anchor NEAR boat')).toEqual([1])
    expect(await ids('-anchor')).toEqual([1])
    expect(await ids('🚢')).toEqual([])
  })

  it('[ING6] holds for any text at all', async () => {
    await index.put('p1', 'f1', [passage(1, 'the anchor of a boat')])
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
        await index.put(`project-${id}`, `f${id}`, [passage(id, text)])
        const [hit] = await search('zugzwang', `project-${id}`)
        expect(hit?.highlights.map(([start, end]) => text.slice(start, end))).toContain('zugzwang')
      }),
      { numRuns: 150, seed: 9 },
    )
  })
})

describe('A damaged search index', () => {
  it('[ING7] is put aside for an empty one, whatever its damage', async () => {
    await index.put(
      'p1',
      'f1',
      Array.from({ length: 50 }, (_, n) => passage(n + 1, `a pangolin sleeps ${n}`)),
    )
    await index.close()
    const path = join(folder, 'search.db')
    const sound = await readFile(path)
    const damaged = [
      Buffer.from('this is no database, and never was one'),
      Buffer.concat([sound.subarray(0, 4096), Buffer.alloc(sound.length - 4096, 0x5a)]),
    ]
    for (const bytes of damaged) {
      await writeFile(path, bytes)
      await writeFile(`${path}-wal`, 'left over')
      index = await open()
      expect(await index.size()).toBe(0)
      await index.put('p1', 'f1', [passage(1, 'a pangolin wakes')])
      expect(await ids('pangolin')).toEqual([1])
      await index.close()
    }
    index = await open()
    expect(await ids('pangolin')).toEqual([1])
  })
})

describe('Restoring passages', () => {
  async function* batches(...all: ReturnType<typeof passage>[][]) {
    yield* all
  }

  it('[ING7] puts them in place of what was there of the file', async () => {
    await index.put('p1', 'f1', [passage(1, 'old marten')])
    await index.close()
    index = await open()
    await index.restore('p1', 'f1', batches([passage(2, 'new marten')], [passage(3, 'newer marten')]))
    expect((await ids('marten')).sort()).toEqual([2, 3])
    expect(await index.extents(['f1', 'f2'])).toEqual([{ fileId: 'f1', passages: 2, first: 2, last: 3 }])
  })

  it('[ING7] brings nothing back that was taken out meanwhile', async () => {
    async function* removedMeanwhile() {
      yield [passage(1, 'first marten')]
      await index.remove('p1', 'f1')
      yield [passage(2, 'second marten')]
    }
    await index.restore('p1', 'f1', removedMeanwhile())
    expect(await index.size()).toBe(0)
    await index.put('p1', 'f2', [passage(9, 'fresh marten')])
    await index.restore('p1', 'f2', batches([passage(3, 'stale marten')]))
    expect(await ids('marten')).toEqual([9])
  })
})
