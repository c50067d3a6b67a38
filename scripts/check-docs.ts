import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Environment } from '../apps/host/src/config.ts'
import { FILE_CODES } from '../apps/ingest/view.ts'
import { CLOSE, ERRORS } from '../packages/protocol/src/index.ts'
import { clientFrames, serverFrames } from '../packages/server/src/plugins/asyncapi/frame-schemas.ts'
import { checkLinks } from './docs/links.ts'
import { type Finding, tablesOf } from './docs/markdown.ts'
import { checkRules } from './docs/rules.ts'
import { listFiles } from './sources/list-files.ts'

/** What a table must say: by the text of its first column, the texts of the columns named. */
export interface Listed {
  path: string
  /** Header of the first column; which table it is. */
  key: string
  columns: readonly string[]
  entries: ReadonlyMap<string, readonly string[]>
}

const yesOrNo = (value: boolean) => (value ? 'yes' : 'no')

/** The code's own lists, as the documents are to show them. */
export function listedByCode(): Listed[] {
  const errors = Object.entries(ERRORS).map(
    ([code, { status, kind, retry }]) => [code, [String(status), kind, yesOrNo(retry)]] as const,
  )
  const defaults: Record<string, unknown> = Environment.parse({})
  const variables = Object.keys(Environment.shape).map((name) => [name, [shownDefault(defaults[name])]] as const)
  const closes = Object.values(CLOSE).map(
    ({ code, reason, reconnect }) => [String(code), [reason, yesOrNo(reconnect)]] as const,
  )
  const frames = [
    ...Object.entries(clientFrames).map(([type, { shape }]) => [type, ['client', fieldsOf(shape)]] as const),
    ...Object.entries(serverFrames).map(([type, { shape }]) => [type, ['server', fieldsOf(shape)]] as const),
  ]
  const files = Object.entries(FILE_CODES).map(([code, { status }]) => [code, [status]] as const)
  const protocol = 'packages/protocol/PROTOCOL.md'
  return [
    { path: 'docs/errors.md', key: 'code', columns: ['status', 'kind', 'retry'], entries: new Map(errors) },
    { path: 'docs/configuration.md', key: 'variable', columns: ['default'], entries: new Map(variables) },
    { path: protocol, key: 'close code', columns: ['reason', 'come back'], entries: new Map(closes) },
    { path: protocol, key: 'frame', columns: ['from', 'fields'], entries: new Map<string, readonly string[]>(frames) },
    { path: 'apps/ingest/README.md', key: 'code', columns: ['status'], entries: new Map(files) },
  ]
}

function shownDefault(value: unknown): string {
  return value === undefined || (Array.isArray(value) && value.length === 0) ? 'none' : String(value)
}

/** The fields of a frame as PROTOCOL.md writes them: `ref`, `stream`, `seal`? */
function fieldsOf(shape: Record<string, { safeParse: (value: unknown) => { success: boolean } }>): string {
  const names = Object.keys(shape).filter((name) => name !== 'type')
  return names.map((name) => `\`${name}\`${shape[name]?.safeParse(undefined).success ? '?' : ''}`).join(', ')
}

/** A list of names says the same in any order, and whatever stands in brackets beside one. */
function sameText(column: string, said: string, expected: string): boolean {
  const names = (text: string) =>
    text
      .replace(/\([^)]*\)|[`\s]/g, '')
      .split(',')
      .sort()
      .join()
  return column === 'fields' ? names(said) === names(expected) : said === expected
}

/** Compares a document's table with what the code says: nothing missing, nothing made up, nothing out of date. */
export function checkListed(root: string, { path, key, columns, entries }: Listed): Finding[] {
  if (!existsSync(join(root, path))) return [{ path, line: 1, what: 'is not there' }]
  const table = tablesOf(readFileSync(join(root, path), 'utf8')).find(({ header }) => header[0] === key)
  if (!table) return [{ path, line: 1, what: `has no table of the column "${key}"` }]
  const found: Finding[] = []
  const seen = new Set<string>()
  for (const { line, cells } of table.rows) {
    const name = cells[0] ?? ''
    const expected = entries.get(name)
    if (seen.has(name)) found.push({ path, line, what: `${name} is listed twice` })
    seen.add(name)
    if (!expected) {
      found.push({ path, line, what: `${name} is not in the code` })
      continue
    }
    for (const [index, column] of columns.entries()) {
      const said = cells[table.header.indexOf(column)] ?? '(no such column)'
      if (!sameText(column, said, expected[index] ?? '')) {
        found.push({ path, line, what: `${column} of ${name} is ${said}, in the code ${expected[index]}` })
      }
    }
  }
  const missing = [...entries.keys()].filter((name) => !seen.has(name))
  for (const name of missing) found.push({ path, line: table.line, what: `${name} is missing` })
  return found
}

/** Everything the documents promise, held against the code below `root`. */
export function checkDocs(root: string): Finding[] {
  const documents = listFiles(root, (path) => path.endsWith('.md') && !/\/fixtures\//.test(path))
  return [
    // An app that is taken out takes its documents along.
    ...listedByCode()
      .filter(({ path }) => !path.startsWith('apps/') || existsSync(join(root, path)))
      .flatMap((listed) => checkListed(root, listed)),
    ...documents.flatMap((path) => checkLinks(root, path)),
    ...checkRules(root),
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = checkDocs(fileURLToPath(new URL('..', import.meta.url)))
  for (const { path, line, what } of found) console.error(`${path}:${line}: ${what}`)
  console.log(found.length === 0 ? 'The documents agree with the code.' : `${found.length} places disagree.`)
  process.exitCode = found.length === 0 ? 0 : 1
}
