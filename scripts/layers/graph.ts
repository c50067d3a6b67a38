import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { listFiles } from '../sources/list-files.ts'
import { type ImportEdge, type ParsedSource, parseSource } from '../sources/parse-source.ts'

/** An import with the place it leads to. */
export interface ResolvedImport extends ImportEdge {
  /** A file of this repository; `null` for npm packages and Node's own modules. */
  target: string | null
  /** It names a workspace or a file of ours that is not there. */
  broken: boolean
}

export interface SourceFile extends Omit<ParsedSource, 'imports'> {
  path: string
  imports: ResolvedImport[]
}

/** Every TypeScript file of the repository, with what it imports. Paths are relative to `root`, with `/`. */
export function readSources(root: string): Map<string, SourceFile> {
  const workspaces = readWorkspaces(root)
  const files = new Map<string, SourceFile>()
  const paths = listFiles(root, (path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
  for (const path of paths) {
    const parsed = parseSource(readFileSync(join(root, path), 'utf8'), path)
    const imports = parsed.imports.map((edge) => ({ ...edge, ...resolve(root, path, edge.specifier, workspaces) }))
    files.set(path, { ...parsed, path, imports })
  }
  return files
}

interface Workspace {
  folder: string
  exports: Record<string, string>
}

function readWorkspaces(root: string): Map<string, Workspace> {
  const workspaces = new Map<string, Workspace>()
  for (const parent of ['packages', 'apps']) {
    if (!existsSync(join(root, parent))) continue
    for (const name of readdirSync(join(root, parent))) {
      const folder = `${parent}/${name}`
      const manifest = join(root, folder, 'package.json')
      if (!existsSync(manifest)) continue
      const { name: id, exports = {} } = JSON.parse(readFileSync(manifest, 'utf8'))
      workspaces.set(id, { folder, exports })
    }
  }
  return workspaces
}

function resolve(root: string, from: string, specifier: string, workspaces: Map<string, Workspace>) {
  if (specifier.startsWith('.')) {
    const target = posix.join(dirname(from), specifier.replace(/[?#].*$/, ''))
    return { target, broken: !existsSync(join(root, target)) }
  }
  const [scope = '', name = '', ...rest] = specifier.split('/')
  const id = scope.startsWith('@') ? `${scope}/${name}` : scope
  const workspace = workspaces.get(id)
  if (!workspace) return { target: null, broken: id.startsWith('@holdfast/') }
  const door = scope.startsWith('@') ? rest : [name, ...rest].filter((part) => part !== '')
  const entry = workspace.exports[door.length === 0 ? '.' : `./${door.join('/')}`]
  if (entry === undefined) return { target: null, broken: true }
  return { target: posix.join(workspace.folder, entry), broken: false }
}

/**
 * Rings of files that need one another's values while they load, each as its files in order. What comes over
 * `import type` or `import()` holds no ring together.
 */
export function findCycles(files: Map<string, SourceFile>): string[][] {
  const next = (path: string): string[] =>
    (files.get(path)?.imports ?? []).flatMap(({ target, typeOnly, dynamic }) =>
      target !== null && !typeOnly && !dynamic && files.has(target) ? [target] : [],
    )
  const cycles: string[][] = []
  const done = new Set<string>()
  const walk = (path: string, way: string[]): void => {
    const at = way.indexOf(path)
    if (at !== -1) cycles.push(way.slice(at))
    if (at !== -1 || done.has(path)) return
    for (const target of next(path)) walk(target, [...way, path])
    done.add(path)
  }
  for (const path of files.keys()) walk(path, [])
  return cycles
}
