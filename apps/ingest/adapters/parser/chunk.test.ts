import { writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeFolder, type TestFolder } from '../../fixtures/folder.ts'
import type { Chunk, ExtractedDocument } from '../../ports.ts'
import { chunkDocument, chunks } from './chunk.ts'
import { EXTRACTOR_VERSION } from './extract.ts'
import { markdownHeadings } from './markdown.ts'
import { FULL, MOST } from './passages.ts'

function document(text: string, rest: Partial<ExtractedDocument> = {}): ExtractedDocument {
  return {
    version: EXTRACTOR_VERSION,
    type: 'text',
    language: null,
    title: null,
    text,
    pages: [],
    headings: [],
    ...rest,
  }
}

function cut(source: ExtractedDocument): Promise<Chunk[]> {
  return Array.fromAsync(chunks(source))
}

const markdown = (text: string) => cut(document(text, { type: 'markdown', headings: markdownHeadings(text) }))
const code = (text: string, language: string) => cut(document(text, { type: 'code', language }))

/** What must hold for any document whatever. */
function check({ text, pages }: ExtractedDocument, found: Chunk[]): void {
  let end = 0
  for (const [index, chunk] of found.entries()) {
    expect(chunk.ordinal).toBe(index)
    expect(chunk.text).toBe(text.slice(chunk.start, chunk.end))
    expect(chunk.text.length).toBeLessThanOrEqual(MOST)
    expect(chunk.start).toBeGreaterThanOrEqual(end)
    // Between two chunks there are only blanks.
    expect(text.slice(end, chunk.start)).toMatch(/^\s*$/)
    expect(chunk.text.trim()).not.toBe('')
    for (const at of [chunk.start, chunk.end]) expect(partsACharacter(text, at)).toBe(false)
    expect(chunk.lineStart).toBe(text.slice(0, chunk.start).split('\n').length)
    expect(chunk.lineEnd).toBe(text.slice(0, chunk.end).split('\n').length)
    expect(chunk.page).toBe(pages.findLast(({ start }) => start <= chunk.start)?.number ?? null)
    end = chunk.end
  }
  expect(text.slice(end)).toMatch(/^\s*$/)
}

function partsACharacter(text: string, at: number): boolean {
  return /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at))
}

const word = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom('the', 'water', 'comes.', 'goes!', 'Ebbe;', '潮。', '🌊', 'a\ud800', '```', '#'),
  },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 500, max: 5000 }).map((length) => '🌊x'.repeat(length / 3)) },
)
const gap = fc.constantFrom(' ', ' ', ' ', ' ', '\n', '\n\n', '\r\n', '\n# ', '\n\t', '\u00a0', '\n---\n', '')
const text = fc
  .array(fc.tuple(word, gap, fc.integer({ min: 1, max: 60 })), { maxLength: 60 })
  .map((parts) =>
    parts.map(([part, blank, times]) => (part.length > 20 ? part : `${part} `.repeat(times)) + blank).join(''),
  )

describe('for any text', () => {
  test('[P9d] chunks are in order, do not overlap, hold every character that is not blank, and are slices', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('text', 'markdown', 'code'), async (source, type) => {
        const made = document(source, { type, headings: type === 'markdown' ? markdownHeadings(source) : [] })
        check(made, await cut(made))
      }),
      { numRuns: 300 },
    )
  })

  test('[P9d] the same for pages and headings at any position, also senseless ones', async () => {
    const position = fc.integer({ min: -5, max: 3000 })
    const pages = fc
      .uniqueArray(fc.nat(3000), { maxLength: 8 })
      .map((starts) => starts.sort((a, b) => a - b).map((start, index) => ({ number: index + 1, start, end: start })))
    const headings = fc.array(fc.record({ level: fc.integer({ min: 1, max: 6 }), title: fc.string(), start: position }))
    await fc.assert(
      fc.asyncProperty(text, pages, headings, async (source, somePages, someHeadings) => {
        const made = document(source, { type: 'pdf', pages: somePages, headings: someHeadings })
        check(made, await cut(made))
      }),
      { numRuns: 200 },
    )
  })

  test('[P9d] the same for any text taken for TypeScript', async () => {
    const piece = fc.constantFrom(
      'class A {',
      '}',
      'f() {',
      'function g() {',
      'const h = () => {',
      '// 🌊',
      '/**',
      '*/',
      '\n',
      '  ',
      'x',
    )
    const source = fc.array(fc.oneof(piece, word), { maxLength: 120 }).map((parts) => parts.join('\n'))
    await fc.assert(
      fc.asyncProperty(source, async (made) => {
        const typed = document(made, { type: 'code', language: 'typescript' })
        check(typed, await cut(typed))
      }),
      { numRuns: 100 },
    )
  })

  test('[P9e] a megabyte without a blank is cut quickly', async () => {
    const before = performance.now()
    const made = document('x'.repeat(5_000_000))
    expect(await cut(made)).toHaveLength(5000)
    expect(performance.now() - before).toBeLessThan(3000)
  })
})

describe('prose', () => {
  const sentence = (n: number) => `Sentence ${n} tells of the tide and of the time it takes to turn.`
  const paragraph = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => sentence(from + n)).join(' ')

  test('[P9d] passages are about a thousand characters and end at the end of a sentence', async () => {
    const found = await cut(document(paragraph(0, 200)))
    expect(found.length).toBeGreaterThan(10)
    for (const chunk of found) {
      expect(chunk.text.length).toBeGreaterThan(700)
      expect(chunk.text.length).toBeLessThanOrEqual(FULL)
      expect(chunk.text).toMatch(/^Sentence .*turn\.$/s)
    }
  })

  test('[P9d] short paragraphs are put together, whole', async () => {
    const paragraphs = Array.from({ length: 30 }, (_, n) => paragraph(n * 3, 3))
    const found = await cut(document(paragraphs.join('\n\n')))
    expect(found.flatMap((chunk) => chunk.text.split('\n\n'))).toEqual(paragraphs)
    expect(found.length).toBeLessThan(10)
  })

  test('[P9d] a passage stands under its headings and never ends with one', async () => {
    const found = await markdown(
      `# Sea\n\n## Tides\n\n${paragraph(0, 14)}\n\n## Winds\n\n### Trade winds\n\n${paragraph(20, 14)}\n\n# Land\n\n${paragraph(40, 14)}`,
    )
    expect(found.map(({ path }) => path)).toEqual([['Sea', 'Tides'], ['Sea', 'Winds', 'Trade winds'], ['Land']])
    expect(found.map((chunk) => chunk.text.split('\n')[0])).toEqual(['# Sea', '## Winds', '# Land'])
  })

  test('[P9d] small sections are put together under what they share', async () => {
    const found = await markdown('# Sea\n\nSalt.\n\n## Tides\n\nTwice a day.\n\n## Winds\n\nMostly west.\n')
    expect(found.map(({ path, lineStart, lineEnd }) => [path, lineStart, lineEnd])).toEqual([[['Sea'], 1, 11]])
  })

  test('[P9d] a passage names the page it starts on', async () => {
    const pages = [paragraph(0, 20), paragraph(20, 20), 'End.']
    let start = 0
    const spans = pages.map((page, index) => {
      const span = { number: index + 1, start, end: start + page.length }
      start += page.length + 2
      return span
    })
    const found = await cut(document(pages.join('\n\n'), { type: 'pdf', pages: spans }))
    expect(found.map(({ page }) => page)).toEqual([1, 1, 2, 2, 3])
  })
})

describe('source code', () => {
  const indent = (lines: string) => lines.replace(/^/gm, '    ')
  const body = (lines: number) => Array.from({ length: lines }, (_, n) => `    step${n}(tide, water, moon)`).join('\n')

  test('[P9d] functions and methods are passages of their own, with their comments, under their symbols', async () => {
    const source = `import x from 'x'\n\n/** The sea. */\nexport class Sea {\n  #salt = 1\n\n  // Comes.\n  ebb() {\n${body(20)}\n  }\n\n  flow() {\n${body(20)}\n  }\n}\n\nexport const moon = () => {\n${body(20)}\n}\n`
    const found = await code(source, 'typescript')
    expect(found.map(({ path }) => path)).toEqual([['class Sea', 'ebb()'], ['class Sea', 'flow()'], ['moon()']])
    expect(found[0]?.text).toContain('  // Comes.\n  ebb() {')
    expect(found[1]?.text.startsWith('  flow() {')).toBe(true)
    expect(found[1]?.text.endsWith('  }\n}')).toBe(true)
  })

  test.each([
    [
      'python',
      `class Sea:\n    def ebb(self):\n${indent(body(20))}\n\n    @property\n    def flow(self):\n${indent(body(20))}\n`,
      ['class Sea', 'flow()'],
    ],
    ['go', `package sea\n\nfunc (s *Sea) Ebb() {\n${body(20)}\n}\n\nfunc Flow() {\n${body(20)}\n}\n`, ['Sea.Ebb()']],
    [
      'rust',
      `impl Tide for Sea {\n    fn ebb(&self) {\n${body(20)}\n    }\n    fn flow(&self) {\n${body(20)}\n    }\n}\n`,
      ['impl Tide for Sea', 'flow()'],
    ],
    [
      'java',
      `class Sea {\n    void ebb() {\n${body(20)}\n    }\n    Sea() {\n${body(20)}\n    }\n}\n`,
      ['class Sea', 'Sea()'],
    ],
    [
      'c',
      `#include <sea.h>\n\nstatic int *ebb(int a) {\n${body(20)}\n}\n\nvoid flow() {\n${body(20)}\n}\n`,
      ['flow()'],
    ],
    [
      'cpp',
      `namespace sea {\nclass Sea {\n void ebb() {\n${body(20)}\n }\n};\nvoid Sea::flow() {\n${body(20)}\n}\n}\n`,
      ['namespace sea', 'Sea::flow()'],
    ],
    [
      'csharp',
      `namespace S {\nclass Sea {\n  void Ebb() {\n${body(20)}\n  }\n  void Flow() {\n${body(20)}\n  }\n}\n}\n`,
      ['namespace S', 'class Sea', 'Flow()'],
    ],
    [
      'ruby',
      `class Sea\n  def ebb\n${body(20)}\n  end\n\n  def self.flow\n${body(20)}\n  end\nend\n`,
      ['class Sea', 'flow()'],
    ],
    [
      'php',
      `<?php\nclass Sea {\n  function ebb() {\n${body(20).replaceAll(')', ');')}\n  }\n  function flow() {\n${body(20).replaceAll(')', ');')}\n  }\n}\n`,
      ['class Sea', 'flow()'],
    ],
    [
      'shell',
      `ebb() {\n${body(20).replace(/[(,)]/g, ' ')}\n}\n\nfunction flow {\n${body(20).replace(/[(,)]/g, ' ')}\n}\n`,
      ['flow()'],
    ],
    [
      'tsx',
      `export function Sea() {\n${body(20)}\n  return <p>{tide}</p>\n}\n\nfunction Land() {\n${body(20)}\n}\n`,
      ['Sea()'],
    ],
    [
      'javascript',
      `class Sea {\n  ebb() {\n${body(20)}\n  }\n  async *flow() {\n${body(20)}\n  }\n}\n`,
      ['class Sea', 'flow()'],
    ],
  ])('[P9d] symbols of %s are found', async (language, source, path) => {
    const made = document(source, { type: 'code', language })
    const found = await cut(made)
    check(made, found)
    expect(found.map((chunk) => chunk.path)).toContainEqual(path)
  })

  test('[P9d] a language without a grammar, and a source too large for one, are cut by lines', async () => {
    const sql = Array.from({ length: 200 }, (_, n) => `insert into tides values (${n}, 'high');`).join('\n')
    for (const chunk of await code(sql, 'sql')) expect(chunk.text).toMatch(/^insert .*;$/s)
    const large = `function f() {\n${body(10_000)}\n}`
    const made = document(`${large}\n${large}`, { type: 'code', language: 'javascript' })
    check(made, await cut(made))
  })
})

describe('documents on disk', () => {
  let folder: TestFolder
  beforeEach(async () => {
    folder = await makeFolder()
  })
  afterEach(() => folder[Symbol.asyncDispose]())

  test('[P9d] another version, damage and absence are told', async () => {
    const none = async () => {}
    await writeFile(folder.in('old.json'), JSON.stringify({ ...document('x'), version: 0 }))
    await writeFile(folder.in('cut.json'), '{"version":1,"text":"x')
    expect(await chunkDocument(folder.in('old.json'), none)).toMatchObject({ rejected: 'CORRUPT' })
    expect(await chunkDocument(folder.in('cut.json'), none)).toMatchObject({ rejected: 'CORRUPT' })
    expect(await chunkDocument(folder.in('gone.json'), none)).toMatchObject({ rejected: 'VANISHED' })
  })
})
