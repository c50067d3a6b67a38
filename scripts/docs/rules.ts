import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSources, type SourceFile } from '../layers/graph.ts'
import { listFiles } from '../sources/list-files.ts'
import { type Finding, lineAt } from './markdown.ts'

/** Clauses of the requirements: a row and the letter of its clause, such as P9c. */
const CLAUSE = /^[PODNX]\d+[a-z]$/

interface Rule {
  id: string
  path: string
  line: number
  /** Its line is written as every rule is. */
  isWhole: boolean
}

/**
 * Rules without a test, rules written twice or so that they cannot be told from text, tests that say of no rule that
 * they prove it, and contracts no test runs.
 */
export function checkRules(root: string): Finding[] {
  const found: Finding[] = []
  const rules = new Map<string, Rule>()
  for (const rule of rulesIn(root)) {
    const other = rules.get(rule.id)
    if (!rule.isWhole) found.push(at(rule, `${rule.id} is not written as a rule: "- **${rule.id}** …"`))
    else if (other) found.push(at(rule, `${rule.id} is a rule of ${other.path} already`))
    else rules.set(rule.id, rule)
  }
  const proven = new Set<string>()
  const files = readSources(root)
  const running = runningFiles(files)
  for (const { path, tests } of files.values()) {
    if (!isProof(path)) continue
    if (!running.has(path)) found.push({ path, line: 1, what: 'no test runs this contract' })
    for (const { text, line } of tests) {
      const ids = idsOf(text ?? '')
      if (running.has(path)) for (const id of ids) proven.add(id)
      const unknown = ids.filter((id) => !rules.has(id) && !CLAUSE.test(id))
      if (text === null) found.push({ path, line, what: 'the title of a test begins with something computed' })
      else if (ids.length === 0) found.push({ path, line, what: `"${text}" does not begin with the id of a rule` })
      else for (const id of unknown) found.push({ path, line, what: `there is no rule ${id}` })
    }
  }
  for (const rule of rules.values()) if (!proven.has(rule.id)) found.push(at(rule, `${rule.id} has no test`))
  return found
}

const at = ({ path, line }: Rule, what: string): Finding => ({ path, line, what })
const isTest = (path: string) => /\.test\.tsx?$/.test(path)
const isProof = (path: string) => /\.(test|contract)\.tsx?$/.test(path)

/** The tests, and the contracts they bring in, be it by way of other contracts. */
function runningFiles(files: ReadonlyMap<string, SourceFile>): Set<string> {
  const running = new Set([...files.keys()].filter(isTest))
  // A set that grows while it is gone through: what is added is gone through too.
  for (const path of running) {
    for (const { target, typeOnly } of files.get(path)?.imports ?? []) {
      if (target !== null && !typeOnly && isProof(target)) running.add(target)
    }
  }
  return running
}

/** The ids a title begins with: `[DB1] …`, `[P3c][P3d] …`. */
function idsOf(title: string): string[] {
  const [start = ''] = /^(\[[A-Z]+\d+[a-z]?\]\s*)+/.exec(title) ?? []
  return [...start.matchAll(/\[([^\]]+)\]/g)].map(([, id = '']) => id)
}

function rulesIn(root: string): Rule[] {
  return listFiles(root, (path) => path.endsWith('SPEC.md')).flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return [...text.matchAll(/^[ \t]*[-*] +(?:\*\*|__)([A-Z]+\d+)\b.*$/gm)].map(({ 0: line, 1: id = '', index }) => {
      return { id, path, line: lineAt(text, index), isWhole: line.startsWith(`- **${id}** `) }
    })
  })
}
