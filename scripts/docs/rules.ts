import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from '../sources/list-files.ts'
import { parseSource } from '../sources/parse-source.ts'
import { type Finding, lineAt } from './markdown.ts'

/** Clauses of the requirements: a row and the letter of its clause, such as P9c. */
const CLAUSE = /^[PODNX]\d+[a-z]$/

interface Rule {
  id: string
  path: string
  line: number
}

/** Rules without a test, rules written twice, and tests that say of no rule that they prove it. */
export function checkRules(root: string): Finding[] {
  const found: Finding[] = []
  const rules = new Map<string, Rule>()
  for (const rule of rulesIn(root)) {
    const other = rules.get(rule.id)
    if (other) found.push({ ...rule, what: `${rule.id} is a rule of ${other.path} already` })
    else rules.set(rule.id, rule)
  }
  const proven = new Set<string>()
  for (const path of listFiles(root, (path) => /\.(test|contract)\.tsx?$/.test(path))) {
    for (const { text, line } of parseSource(readFileSync(join(root, path), 'utf8'), path).tests) {
      const ids = idsOf(text ?? '')
      for (const id of ids) proven.add(id)
      const unknown = ids.filter((id) => !rules.has(id) && !CLAUSE.test(id))
      if (text === null) found.push({ path, line, what: 'the title of a test begins with something computed' })
      else if (ids.length === 0) found.push({ path, line, what: `"${text}" does not begin with the id of a rule` })
      else for (const id of unknown) found.push({ path, line, what: `there is no rule ${id}` })
    }
  }
  for (const rule of rules.values()) if (!proven.has(rule.id)) found.push({ ...rule, what: `${rule.id} has no test` })
  return found
}

/** The ids a title begins with: `[DB1] …`, `[P3c][P3d] …`. */
function idsOf(title: string): string[] {
  const [start = ''] = /^(\[[A-Z]+\d+[a-z]?\]\s*)+/.exec(title) ?? []
  return [...start.matchAll(/\[([^\]]+)\]/g)].map(([, id = '']) => id)
}

function rulesIn(root: string): Rule[] {
  return listFiles(root, (path) => path.endsWith('SPEC.md')).flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return [...text.matchAll(/^- \*\*([A-Z]+\d+)\*\* /gm)].map(({ 1: id = '', index }) => {
      return { id, path, line: lineAt(text, index) }
    })
  })
}
