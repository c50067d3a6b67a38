import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCycles, type ResolvedImport, readSources, type SourceFile } from './layers/graph.ts'
import { type LayerRules, RULES, type Unit } from './layers/rules.ts'

/** A place that breaks a rule. */
export interface Violation {
  path: string
  line: number
  rule: string
}

/** Checks every TypeScript file below `root` against the rules; an empty list is a house in order. */
export function checkLayers(root: string, rules: LayerRules = RULES): Violation[] {
  const files = readSources(root)
  const found = [...files.values()].flatMap((file) => checkFile(file, rules))
  for (const cycle of findCycles(files)) {
    const [first = '', second = first] = cycle
    const line = files.get(first)?.imports.find(({ target }) => target === second)?.line ?? 1
    found.push({ path: first, line, rule: `a ring of value imports: ${[...cycle, first].join(' -> ')}` })
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line))
}

function checkFile(file: SourceFile, rules: LayerRules): Violation[] {
  const { path } = file
  const broken = (line: number, rule: string): Violation => ({ path, line, rule })
  const unit = unitOf(path, rules)
  if (!unit) return [broken(1, 'stands in no unit that scripts/layers/rules.ts knows')]
  const found: Violation[] = []
  if (floorOf(path, rules) === undefined)
    found.push(broken(1, 'stands on a floor scripts/layers/rules.ts does not know'))
  for (const use of file.uses) {
    const allowed = use.name === 'console' ? rules.console : rules.environment
    if (!allowed.test(path) && !rules.proof.test(path)) found.push(broken(use.line, `${use.name} is not used here`))
  }
  for (const edge of file.imports) {
    const rule = checkImport(path, unit, edge, rules)
    if (rule !== null) found.push(broken(edge.line, rule))
  }
  return found
}

/** What an import breaks, or `null`. */
function checkImport(path: string, unit: Unit, edge: ResolvedImport, rules: LayerRules): string | null {
  const { specifier, target } = edge
  const isProof = rules.proof.test(path)
  if (edge.broken) return `"${specifier}" leads nowhere`
  const isBrowser = unit.browser === true || isBrowserFile(path, rules)
  if (isBrowser && !isProof && specifier.startsWith('node:')) return `"${specifier}" is not there in a browser`
  if (target === null) return null
  if (!isProof && rules.proof.test(target)) return `"${specifier}" is for tests only`
  const to = unitOf(target, rules)
  if (!to) return `"${specifier}" stands in no unit that is known`
  if (rules.doors.some((door) => path.startsWith(door.from) && target === door.to)) return null
  if (to.name !== unit.name) return checkUnits(path, unit, to, edge, rules)
  if (isBrowserFile(path, rules) && !isProof && !isBrowserFile(target, rules)) {
    return `what goes to the browser does not import "${specifier}"`
  }
  return isProof ? null : checkFloors(path, target, rules)
}

function checkUnits(path: string, from: Unit, to: Unit, { specifier }: ResolvedImport, rules: LayerRules) {
  const isProof = rules.proof.test(path)
  const mayImport = from.imports.includes(to.name) || (isProof && rules.proofImports.includes(to.name))
  const forbidden = forbiddenEdge(from.name, to.name, rules)
  if (forbidden) return forbidden
  if (!mayImport) return `${from.name} does not import ${to.name}`
  if (isBrowserFile(path, rules) && !isProof && !rules.browserImports.includes(to.name)) {
    return `what goes to the browser does not import ${to.name}`
  }
  if (isAppServerSide(path, rules) && to.browser && to.name !== 'protocol' && to.name !== 'client' && !isProof) {
    return `only the browser's files of an app import ${to.name}`
  }
  // The programs beside the house have no door, and run its sources where they stand.
  const hasDoors = !BESIDE.has(from.name) && !BESIDE.has(to.name)
  if (specifier.startsWith('.') && hasDoors) return `"${specifier}" goes around the door of ${to.name}`
  return null
}

function checkFloors(path: string, target: string, rules: LayerRules): string | null {
  const [from, to] = [floorOf(path, rules), floorOf(target, rules)]
  if (!from || !to || from === to || from === ROOF) return null
  if (to === ROOF) return `the floor ${from} does not import the roof (${target})`
  const forbidden = forbiddenEdge(from, to, rules)
  if (forbidden) return forbidden
  const floor = rules.floors.find(({ name }) => name === from)
  return floor?.imports.includes(to) ? null : `the floor ${from} does not import the floor ${to}`
}

function forbiddenEdge(from: string, to: string, rules: LayerRules): string | null {
  const edge = rules.forbidden.find((forbidden) => forbidden.from === from && forbidden.to === to)
  return edge ? `${from} never imports ${to}: ${edge.why}` : null
}

const ROOF = 'roof'
const BESIDE = new Set(['scripts', 'bench'])

function unitOf(path: string, rules: LayerRules): Unit | undefined {
  return rules.units.find(({ paths }) => paths.some((at) => (at.endsWith('/') ? path.startsWith(at) : path === at)))
}

/** The floor a file stands on; `null` outside the server, `undefined` where nobody knows the floor. */
function floorOf(path: string, rules: LayerRules): string | null | undefined {
  if (!path.startsWith(rules.floorsIn)) return null
  const [first = '', ...rest] = path.slice(rules.floorsIn.length).split('/')
  if (rest.length > 0) return rules.floors.find(({ name }) => name === first)?.name
  return rules.roof.includes(first) || rules.proof.test(path) ? ROOF : undefined
}

function appFile(path: string): string | null {
  const match = /^apps\/(?!dashboard\/|host\/)[^/]+\/(.+)$/.exec(path)
  return match?.[1] ?? null
}

function isBrowserFile(path: string, rules: LayerRules): boolean {
  return rules.browserFiles.test(appFile(path) ?? '')
}

function isAppServerSide(path: string, rules: LayerRules): boolean {
  return appFile(path) !== null && !isBrowserFile(path, rules)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const found = checkLayers(resolve(process.argv[2] ?? root))
  for (const { path, line, rule } of found) console.error(`${path}:${line}: ${rule}`)
  console.log(found.length === 0 ? 'The layers hold.' : `${found.length} places break the layers.`)
  process.exitCode = found.length === 0 ? 0 : 1
}
