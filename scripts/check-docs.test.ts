import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { checkDocs, checkListed, listedByCode } from './check-docs.ts'
import { checkLinks } from './docs/links.ts'
import { checkRules } from './docs/rules.ts'
import { listFiles } from './sources/list-files.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folder(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-docs-'))
  folders.push(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const whats = (found: { line: number; what: string }[]) => found.map(({ line, what }) => `${line}: ${what}`)

/** The findings for one of the repository's documents after a change to it. */
function afterChange(path: string, key: string, from: string | RegExp, to: string): string[] {
  const listed = listedByCode().find((entry) => entry.path === path && entry.key === key)
  if (!listed) throw new Error(`nothing is listed for ${path}`)
  const text = readFileSync(join(repository, path), 'utf8')
  expect(text).toMatch(from)
  const found = checkListed(folder({ [path]: text.replace(from, to) }), listed)
  return found.map(({ what }) => what)
}

describe('check-docs', () => {
  it('[DOC1][DOC2][DOC3][DOC4][DOC5][DOC6] this repository agrees with itself', () => {
    expect(checkDocs(repository)).toEqual([])
  })

  it('[DOC1] a code that is missing, made up or out of date is named', () => {
    const change = (from: string | RegExp, to: string) => afterChange('docs/errors.md', 'code', from, to)
    expect(change(/\| `FENCED` .*\n/, '')).toEqual(['FENCED is missing'])
    expect(change('| `FENCED` |', '| `FENCING` |')).toEqual(['FENCING is not in the code', 'FENCED is missing'])
    expect(change('`FENCED` | 409 | conflict | no', '`FENCED` | 410 | limit | yes')).toEqual([
      'status of FENCED is 410, in the code 409',
      'kind of FENCED is limit, in the code conflict',
      'retry of FENCED is yes, in the code no',
    ])
    expect(change(/(\| `FENCED` .*\n)/, '$1$1')).toEqual(['FENCED is listed twice'])
    expect(change('| code | status |', '| error | status |')).toEqual(['has no table of the column "code"'])
  })

  it('[DOC2] a variable that is missing or has another default is named', () => {
    const change = (from: string | RegExp, to: string) => afterChange('docs/configuration.md', 'variable', from, to)
    expect(change(/\| `PORT` .*\n/, '')).toEqual(['PORT is missing'])
    expect(change('| `4000` |', '| `4001` |')).toEqual(['default of PORT is 4001, in the code 4000'])
    expect(change(/(\| `PORT` )/, '| `POST` | none | x |\n$1')).toEqual(['POST is not in the code'])
  })

  it('[DOC3] a close code or frame that is missing or told otherwise is named', () => {
    const path = 'packages/protocol/PROTOCOL.md'
    expect(afterChange(path, 'close code', /\| `?4501`? .*\n/, '')).toEqual(['4501 is missing'])
    expect(afterChange(path, 'close code', '| completed | no |', '| completed | yes |')).toEqual([
      'come back of 4500 is yes, in the code no',
    ])
    expect(afterChange(path, 'frame', '| `sealed` |', '| `closed` |')).toEqual([
      'closed is not in the code',
      'sealed is missing',
    ])
    expect(afterChange(path, 'frame', '| `append` | client |', '| `append` | server |')).toEqual([
      'from of append is server, in the code client',
    ])
    const [fewer] = afterChange(path, 'frame', '`producer`?, ', '')
    expect(fewer).toMatch(/^fields of append is .*, in the code .*producer/)
  })

  it('[DOC6] a file code that is missing or has another status is named', () => {
    const listed = listedByCode().find(({ path }) => path === 'apps/ingest/README.md')
    if (!listed) throw new Error('nothing is listed')
    const entries = new Map([...listed.entries].slice(0, 2))
    const rows = [...entries].map(([code, [status]]) => `| \`${code}\` | ${status} |`)
    const table = (...lines: string[]) =>
      folder({ [listed.path]: ['| code | status |', '|---|---|', ...lines].join('\n') })
    expect(checkListed(table(...rows), { ...listed, entries })).toEqual([])
    expect(checkListed(table('| `EXTRA` | failed |', ...rows), { ...listed, entries })).toHaveLength(1)
    expect(checkListed(table(rows[0] ?? ''), { ...listed, entries })).toHaveLength(1)
  })

  it('[DOC4] a link to nothing is named with its line; examples in code and links elsewhere are left alone', () => {
    const root = folder({
      'a.md': '# A & b: `c`\n\n[b](b/c.md) [x](x.md)\n[top](#a--b-c) [no](#nope)\n[out](https://example.org/x.md)\n',
      'b/c.md': '[a](../a.md#a--b-c) [no](../a.md#a) [out](../../d.md)\n`[x](y.md)`\n```md\n[x](y.md)\n```\n',
    })
    expect(whats(checkLinks(root, 'a.md'))).toEqual([
      '3: the link to x.md leads nowhere',
      '4: a.md has no heading #nope',
    ])
    expect(whats(checkLinks(root, 'b/c.md'))).toEqual([
      '1: a.md has no heading #a',
      '1: the link to ../d.md leads nowhere',
    ])
  })

  it('[DOC5] rules without a test, rules written twice and tests of nothing are named', () => {
    const root = folder({
      'a/SPEC.md': '# Rules\n\n- **AB1** One.\n- **AB2** Two.\n- **AB3** Three.\n* **AB4** Four.\n- **AB5:** Five.\n',
      'b/SPEC.md': '- **AB1** Again.\n',
      'a/a.test.ts': [
        "it('[AB1] one', f)",
        "it('[AB2][P3c] two', f)",
        "it('no id', f)",
        "it('[CD1] unknown', f)",
        "it('[P3] a row is no clause', f)",
        'it(title, f)',
        "it.each([1])('[AB1] %s', f)",
      ].join('\n'),
    })
    expect(checkRules(root).map(({ path, line, what }) => `${path}:${line}: ${what}`)).toEqual([
      'a/SPEC.md:6: AB4 is not written as a rule: "- **AB4** …"',
      'a/SPEC.md:7: AB5 is not written as a rule: "- **AB5** …"',
      'b/SPEC.md:1: AB1 is a rule of a/SPEC.md already',
      'a/a.test.ts:3: "no id" does not begin with the id of a rule',
      'a/a.test.ts:4: there is no rule CD1',
      'a/a.test.ts:5: there is no rule P3',
      'a/a.test.ts:6: the title of a test begins with something computed',
      'a/SPEC.md:5: AB3 has no test',
    ])
  })

  it('[DOC5] a contract proves its rules only where a test runs it', () => {
    const contract = (id: string) => `export const f = () => it('[${id}] x', f)`
    const root = folder({
      'SPEC.md': '- **AB1** One.\n- **AB2** Two.\n- **AB3** Three.\n',
      'a.test.ts': "import { f } from './one.contract.ts'\nimport type { T } from './three.contract.ts'\nf()",
      'one.contract.ts': `import './two.contract.ts'\n${contract('AB1')}`,
      'two.contract.ts': contract('AB2'),
      'three.contract.ts': contract('AB3'),
    })
    expect(checkRules(root).map(({ path, what }) => `${path}: ${what}`)).toEqual([
      'three.contract.ts: no test runs this contract',
      'SPEC.md: AB3 has no test',
    ])
  })

  it('[DOC5] every rule of every SPEC.md of this repository is missed where it has no test', () => {
    const specs = listFiles(repository, (path) => path.endsWith('SPEC.md'))
    expect(specs).toContain('packages/protocol/SPEC.md')
    for (const path of specs) {
      const text = readFileSync(join(repository, path), 'utf8')
      const ids = text.match(/(?<=\*\*)[A-Z]+\d+(?=\*\*)/g) ?? []
      expect(ids.length).toBeGreaterThan(0)
      const missed = checkRules(folder({ [path]: text })).map(({ what }) => what)
      expect(missed).toEqual(ids.map((id) => `${id} has no test`))
    }
  })
})
