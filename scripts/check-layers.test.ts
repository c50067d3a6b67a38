import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { checkLayers } from './check-layers.ts'
import { parseSource } from './sources/parse-source.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A small house in order, in a folder of its own, with the given files in place of its own or beside them. */
function house(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-layers-'))
  folders.push(root)
  const entries = (...doors: string[]) => Object.fromEntries(doors.map((door) => [door, './src/index.ts']))
  const workspace = (name: string, exports: Record<string, string> = entries('.')) =>
    JSON.stringify({ name: `@holdfast/${name}`, exports })
  const all: Record<string, string> = {
    'packages/protocol/package.json': workspace('protocol'),
    'packages/protocol/src/index.ts': 'export const word = 1\n',
    'packages/server/package.json': workspace('server'),
    'packages/server/src/index.ts': "export { open } from './db/database.ts'\n",
    'packages/server/src/db/database.ts': "import { word } from '@holdfast/protocol'\nexport const open = word\n",
    'packages/testing/package.json': workspace('testing'),
    'packages/testing/src/index.ts': "export { open } from '@holdfast/server'\n",
    'packages/react/package.json': workspace('react'),
    'packages/react/src/index.ts': 'export const hook = 1\n',
    'apps/ingest/package.json': workspace('ingest', { '.': './app.ts', './streams': './streams.ts' }),
    'apps/ingest/app.ts': "import { open } from '@holdfast/server'\nexport { open }\n",
    'apps/ingest/streams.ts': "export { word } from '@holdfast/protocol'\n",
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const breaks = (files: Record<string, string>) =>
  checkLayers(house(files)).map(({ path, line, rule }) => `${path}:${line}: ${rule}`)

const SERVER = 'packages/server/src'

describe('check-layers', () => {
  it('[LAY1] this repository is a house in order', () => {
    expect(checkLayers(fileURLToPath(new URL('..', import.meta.url)))).toEqual([])
  })

  it('[LAY1] a house in order breaks nothing', () => {
    expect(breaks({})).toEqual([])
  })

  it('[LAY1] a unit that imports one above it, types included, is named with its place', () => {
    const text = "// ground\nimport type { open } from '@holdfast/server'\nexport type Open = typeof open\n"
    expect(breaks({ 'packages/protocol/src/index.ts': text })).toEqual([
      'packages/protocol/src/index.ts:2: protocol does not import server',
    ])
  })

  it('[LAY1] a folder nobody declared is refused, a package and an app alike', () => {
    expect(breaks({ 'packages/extra/src/index.ts': 'export {}', 'apps/other/app.ts': 'export {}' })).toEqual([
      'apps/other/app.ts:1: stands in no unit that scripts/layers/rules.ts knows',
      'packages/extra/src/index.ts:1: stands in no unit that scripts/layers/rules.ts knows',
    ])
  })

  it('[LAY1] packages are entered by their doors', () => {
    expect(breaks({ 'apps/ingest/app.ts': "import '../../packages/server/src/index.ts'" })).toEqual([
      'apps/ingest/app.ts:1: "../../packages/server/src/index.ts" goes around the door of server',
    ])
    expect(breaks({ 'apps/ingest/app.ts': "import '@holdfast/server/db'" })).toEqual([
      'apps/ingest/app.ts:1: "@holdfast/server/db" leads nowhere',
    ])
    expect(breaks({ 'apps/ingest/app.ts': "import './gone.ts'" })).toEqual([
      'apps/ingest/app.ts:1: "./gone.ts" leads nowhere',
    ])
  })

  it('[LAY2] a floor imports only floors below it, and never the roof', () => {
    expect(
      breaks({
        [`${SERVER}/db/up.ts`]: "export * from '../runs/run.ts'",
        [`${SERVER}/runs/run.ts`]: "import '../index.ts'\nimport '../db/database.ts'",
      }),
    ).toEqual([
      `${SERVER}/db/up.ts:1: the floor db does not import the floor runs`,
      `${SERVER}/runs/run.ts:1: the floor runs does not import the roof (${SERVER}/index.ts)`,
    ])
  })

  it('[LAY2] an unknown floor and an unknown file of the roof are refused', () => {
    expect(breaks({ [`${SERVER}/cellar/x.ts`]: '', [`${SERVER}/attic.ts`]: '' })).toEqual([
      `${SERVER}/attic.ts:1: stands on a floor scripts/layers/rules.ts does not know`,
      `${SERVER}/cellar/x.ts:1: stands on a floor scripts/layers/rules.ts does not know`,
    ])
  })

  it.each([
    ['hub', 'log'],
    ['log', 'hub'],
    ['runs', 'attention'],
    ['transport', 'runs'],
  ])('[LAY3] %s never imports %s', (from, to) => {
    const found = breaks({ [`${SERVER}/${from}/a.ts`]: `import '../${to}/b.ts'`, [`${SERVER}/${to}/b.ts`]: '' })
    expect(found).toEqual([expect.stringContaining(`${from}/a.ts:1: ${from} never imports ${to}: `)])
  })

  it('[LAY4] what an app sends to the browser imports only what runs there', () => {
    expect(
      breaks({
        'apps/ingest/panel.tsx': "import '@holdfast/react'\nimport './panel/table.tsx'\nimport 'react'",
        'apps/ingest/panel/table.tsx': "import '../service.ts'\nimport '@holdfast/server'\nimport 'node:fs'",
        'apps/ingest/service.ts': "import '@holdfast/react'",
        'packages/react/src/index.ts': "import { join } from 'node:path'\nexport { join }",
      }),
    ).toEqual([
      'apps/ingest/panel/table.tsx:1: what goes to the browser does not import "../service.ts"',
      'apps/ingest/panel/table.tsx:2: what goes to the browser does not import server',
      'apps/ingest/panel/table.tsx:3: "node:fs" is not there in a browser',
      "apps/ingest/service.ts:1: only the browser's files of an app import react",
      'packages/react/src/index.ts:1: "node:path" is not there in a browser',
    ])
  })

  it('[LAY5] a ring of value imports is found, one held together by types or import() is none', () => {
    const ring = { [`${SERVER}/db/a.ts`]: "import { b } from './b.ts'\nexport const a = b" }
    expect(breaks({ ...ring, [`${SERVER}/db/b.ts`]: "\nexport { a as b } from './a.ts'" })).toEqual([
      `${SERVER}/db/a.ts:1: a ring of value imports: ${SERVER}/db/a.ts -> ${SERVER}/db/b.ts -> ${SERVER}/db/a.ts`,
    ])
    expect(
      breaks({ ...ring, [`${SERVER}/db/b.ts`]: "import type { a } from './a.ts'\nexport let b: typeof a" }),
    ).toEqual([])
    expect(breaks({ ...ring, [`${SERVER}/db/b.ts`]: "export const b = () => import('./a.ts')" })).toEqual([])
  })

  it('[LAY6] the environment is read in the host, and nobody prints but programs', () => {
    const text = "export const a = process.env.HOME\nconsole.log('process.env')\nimport { env } from 'node:process'\n"
    expect(breaks({ [`${SERVER}/db/a.ts`]: text, [`${SERVER}/db/a.test.ts`]: text })).toEqual([
      `${SERVER}/db/a.ts:1: process.env is not used here`,
      `${SERVER}/db/a.ts:2: console is not used here`,
      `${SERVER}/db/a.ts:3: process.env is not used here`,
    ])
  })

  it('[LAY7] tests and contracts may import the test world and cross floors; nothing else imports them', () => {
    const proof = "import '@holdfast/testing'\nimport '../hub/hub.ts'\nimport '../index.ts'"
    expect(
      breaks({
        [`${SERVER}/hub/hub.ts`]: '',
        [`${SERVER}/log/log.contract.ts`]: proof,
        [`${SERVER}/log/log.test.ts`]: proof,
        [`${SERVER}/log/log.ts`]: "import '@holdfast/testing'\nimport './log.contract.ts'",
      }),
    ).toEqual([
      `${SERVER}/log/log.ts:1: server does not import testing`,
      `${SERVER}/log/log.ts:2: "./log.contract.ts" is for tests only`,
    ])
  })
})

describe('the reading of sources', () => {
  it('[LAY8] every form of import is found, on its line, and told apart', () => {
    const text = [
      "import type { A } from './a.ts' // ä€😀",
      "import { type B, c } from './b.ts'",
      "export { type D } from './d.ts'",
      "export * from './e.ts'",
      "import './f.ts'",
      "type G = import('./g.ts').G",
      "const h = <T,>(x: T) => import('./h.ts')",
    ].join('\n')
    const edges = parseSource(text, 'x.ts').imports
    expect(edges.map(({ specifier, line, typeOnly, dynamic }) => [specifier, line, typeOnly, dynamic])).toEqual([
      ['./a.ts', 1, true, false],
      ['./b.ts', 2, false, false],
      ['./d.ts', 3, true, false],
      ['./e.ts', 4, false, false],
      ['./f.ts', 5, false, false],
      ['./g.ts', 6, true, false],
      ['./h.ts', 7, false, true],
    ])
  })

  it('[LAY8] comments, strings and markup are not taken for code', () => {
    const text = "// import './a.ts'\nconst s = `import './b.ts'`\nexport const x = <p>console.log(process.env.A)</p>"
    expect(parseSource(text, 'x.tsx')).toEqual({ imports: [], uses: [], tests: [] })
  })

  it('[LAY8] the titles of tests are found in all their forms', () => {
    const dollar = '$'
    const text = `it('[A1] a', f)\ntest.skipIf(w)('b', f)\nit.each([1])(\`[A2] ${dollar}{c}\`, f)\nit(name, f)\nfoo.it('c', f)`
    expect(parseSource(text, 'x.ts').tests).toEqual([
      { text: '[A1] a', line: 1 },
      { text: 'b', line: 2 },
      { text: '[A2] ', line: 3 },
      { text: null, line: 4 },
    ])
  })
})
