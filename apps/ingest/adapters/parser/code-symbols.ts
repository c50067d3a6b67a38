/**
 * Where the classes, functions and methods of source code begin, by the grammar of its language. What has no grammar
 * here, is too large or cannot be parsed is cut by blank lines and lines instead.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Language, type Node, Parser } from 'web-tree-sitter'
import type { Boundary } from './boundaries.ts'

/** Language to grammar. C is close enough to C++ for finding its functions. */
const GRAMMARS: Record<string, string> = {
  typescript: 'typescript',
  tsx: 'tsx',
  javascript: 'javascript',
  python: 'python',
  go: 'go',
  rust: 'rust',
  java: 'java',
  c: 'cpp',
  cpp: 'cpp',
  csharp: 'c-sharp',
  ruby: 'ruby',
  php: 'php',
  shell: 'bash',
}

/** UTF-16 code units. Larger sources are generated, and their trees take hundreds of megabytes. */
const MAX_LENGTH = 400_000
const MAX_DEPTH = 12

/** Node type to the word before the name. */
const CONTAINERS: Record<string, string> = {
  class_declaration: 'class',
  abstract_class_declaration: 'class',
  class_definition: 'class',
  class_specifier: 'class',
  class: 'class',
  interface_declaration: 'interface',
  trait_declaration: 'trait',
  trait_item: 'trait',
  impl_item: 'impl',
  mod_item: 'mod',
  module: 'module',
  internal_module: 'namespace',
  namespace_definition: 'namespace',
  namespace_declaration: 'namespace',
  enum_declaration: 'enum',
  enum_item: 'enum',
  enum_specifier: 'enum',
  struct_declaration: 'struct',
  struct_item: 'struct',
  struct_specifier: 'struct',
  union_item: 'union',
  record_declaration: 'record',
  type_alias_declaration: 'type',
  type_spec: 'type',
}

const FUNCTIONS = new Set([
  'function_declaration',
  'generator_function_declaration',
  'function_definition',
  'function_item',
  'function_signature',
  'method_definition',
  'method_declaration',
  'method',
  'singleton_method',
  'constructor_declaration',
])

/** Nodes around a declaration that are looked through. */
const WRAPPERS = new Set([
  'export_statement',
  'ambient_declaration',
  'decorated_definition',
  'template_declaration',
  'expression_statement',
  'type_declaration',
  'type_definition',
  'linkage_specification',
])

const COMMENTS = /comment|^attribute_item$|^attribute_list$|^decorator$/

const require = createRequire(import.meta.url)
const languages = new Map<string, Promise<Language>>()
let parser: Parser | undefined

/** `null` where the code has to be cut by lines. */
export async function symbolBoundaries(text: string, language: string | null): Promise<Boundary[] | null> {
  const grammar = language === null ? undefined : GRAMMARS[language]
  if (!grammar || text.length > MAX_LENGTH) return null
  const known = await load(grammar)
  parser ??= new Parser()
  parser.setLanguage(known)
  const tree = parser.parse(text)
  if (!tree) return null
  try {
    const boundaries: Boundary[] = []
    collect(text, tree.rootNode, [], 0, boundaries)
    return boundaries
  } finally {
    tree.delete()
  }
}

async function load(grammar: string): Promise<Language> {
  let language = languages.get(grammar)
  if (!language) {
    language = Parser.init().then(async () => Language.load(await readFile(grammarFile(grammar))))
    languages.set(grammar, language)
  }
  return language
}

function grammarFile(grammar: string): string {
  return require.resolve(`@vscode/tree-sitter-wasm/wasm/tree-sitter-${grammar}.wasm`)
}

function collect(text: string, parent: Node, path: string[], depth: number, found: Boundary[]): void {
  // Comments and decorators right above a declaration belong to it.
  let lead: number | null = null
  let previousEnd = 0
  for (const child of parent.namedChildren) {
    if (COMMENTS.test(child.type)) {
      if (lead === null || /\n[^\S\n]*\n/.test(text.slice(previousEnd, child.startIndex))) lead = child.startIndex
      previousEnd = child.endIndex
      continue
    }
    const isApart = /\n[^\S\n]*\n/.test(text.slice(previousEnd, child.startIndex))
    const start = lead === null || isApart ? child.startIndex : lead
    lead = null
    previousEnd = child.endIndex
    collectChild(text, child, start, path, depth, found)
  }
}

function collectChild(text: string, child: Node, start: number, path: string[], depth: number, found: Boundary[]) {
  const symbol = symbolOf(child)
  if (!symbol) {
    // Bodies and blocks that only group: `declaration_list`, `#ifdef`, `extern "C"`.
    if (depth < MAX_DEPTH && /list|body|block|preproc|linkage|declarations/.test(child.type)) {
      collect(text, child, path, depth + 1, found)
    }
    return
  }
  const inner = [...path, symbol.label]
  found.push({ start: lineStart(text, start), path: inner, kind: 'section' })
  if (symbol.body && depth < MAX_DEPTH) collect(text, symbol.body, inner, depth + 1, found)
  found.push({ start: afterDeclaration(text, child.endIndex), path, kind: 'section' })
}

interface Symbol {
  label: string
  /** What may hold further symbols. */
  body: Node | null
}

function symbolOf(node: Node): Symbol | null {
  const word = CONTAINERS[node.type]
  if (word) {
    const name = nameOf(node)
    // Without a body it is only mentioned (`struct stat info;`).
    const body = node.childForFieldName('body') ?? node.namedChildren.find(({ type }) => /body|list/.test(type)) ?? null
    return name && (body || word === 'type') ? { label: `${word} ${name}`, body } : null
  }
  if (FUNCTIONS.has(node.type)) {
    const name = nameOf(node)
    return name ? { label: `${receiver(node)}${name}()`, body: null } : null
  }
  if (node.type === 'lexical_declaration' || node.type === 'variable_declaration') return functionConstant(node)
  if (!WRAPPERS.has(node.type)) return null
  for (const child of node.namedChildren) {
    const symbol = symbolOf(child)
    if (symbol) return symbol
  }
  return null
}

/** `const name = () => …` */
function functionConstant(node: Node): Symbol | null {
  const declarator = node.namedChildren.find(({ type }) => type === 'variable_declarator')
  const value = declarator?.childForFieldName('value')
  const name = declarator?.childForFieldName('name')?.text
  return value && name && /^(arrow_function|function|function_expression|generator_function)$/.test(value.type)
    ? { label: `${shorten(name)}()`, body: null }
    : null
}

function nameOf(node: Node): string | null {
  if (node.type === 'impl_item') {
    const trait = node.childForFieldName('trait')?.text
    const type = node.childForFieldName('type')?.text
    return type ? shorten(trait ? `${trait} for ${type}` : type) : null
  }
  const name = node.childForFieldName('name')
  if (name) return shorten(name.text)
  // C and C++ keep the name at the end of a chain of declarators.
  let declarator = node.childForFieldName('declarator')
  for (let depth = 0; declarator && depth < MAX_DEPTH; depth += 1) {
    const inner: Node | null = declarator.childForFieldName('declarator')
    if (!inner) return shorten(declarator.text)
    declarator = inner
  }
  return null
}

/** The type a Go method is on. */
function receiver(node: Node): string {
  const type = /(\w+)(\[[^\]]*\])?\s*\)$/.exec(node.childForFieldName('receiver')?.text ?? '')?.[1]
  return type ? `${type}.` : ''
}

function shorten(name: string): string {
  return name.replace(/\s+/g, ' ').slice(0, 100).toWellFormed()
}

function lineStart(text: string, at: number): number {
  const start = text.lastIndexOf('\n', at - 1) + 1
  return text.slice(start, at).trim() === '' ? start : at
}

/** Past what ends a declaration on its own line: `;`, `)`, a remark. */
function afterDeclaration(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  const line = end === -1 ? text.length : end
  return line - at < 200 && /^[\s;,)}\]]*(\/\/.*|#.*)?$/.test(text.slice(at, line)) ? line : at
}
