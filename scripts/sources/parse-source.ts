import { parseAst } from 'vite'

/** One import or re-export of a file. */
export interface ImportEdge {
  specifier: string
  line: number
  /** Only types come over it: nothing of it is left at run time. */
  typeOnly: boolean
  /** `import()`, taken when it is reached and not before. */
  dynamic: boolean
}

/** One use of something of the process that not every file may use. */
export interface GlobalUse {
  name: 'process.env' | 'console'
  line: number
}

/** A test as its file names it; `null` where the title begins with something computed. */
export interface TestTitle {
  text: string | null
  line: number
}

export interface ParsedSource {
  imports: ImportEdge[]
  uses: GlobalUse[]
  tests: TestTitle[]
}

/** A node of the syntax tree (ESTree with TypeScript), as far as it is looked at here. */
interface Node {
  type: string
  start: number
  [field: string]: unknown
}

/**
 * What a TypeScript file imports, uses of the process and calls its tests. Read from the syntax tree, so neither
 * comments nor strings are taken for code. Throws where the file does not parse.
 */
export function parseSource(text: string, path: string): ParsedSource {
  const program = programOf(text, path)
  const lineOf = lineCounter(text)
  const found: ParsedSource = { imports: [], uses: [], tests: [] }
  visit(program, (node) => {
    const edge = importOf(node)
    if (edge) found.imports.push({ ...edge, line: lineOf(node.start) })
    const name = globalOf(node)
    if (name) found.uses.push({ name, line: lineOf(node.start) })
    const title = titleOf(node)
    if (title !== undefined) found.tests.push({ text: title, line: lineOf(node.start) })
  })
  return found
}

function programOf(text: string, path: string): Node {
  try {
    return parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node
  } catch (error) {
    throw new Error(`${path} does not parse: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

function visit(node: Node, look: (node: Node) => void): void {
  look(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, look)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

function importOf(node: Node): Omit<ImportEdge, 'line'> | null {
  const source = node.source as { value?: unknown } | null | undefined
  if (typeof source?.value !== 'string') return null
  const specifier = source.value
  switch (node.type) {
    case 'ImportExpression':
      return { specifier, typeOnly: false, dynamic: true }
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration': {
      const kind = node.importKind ?? node.exportKind
      const names = (node.specifiers ?? []) as Node[]
      // `import {} from` and `import 'x'` run the file; `import { type A } from` does too, but brings nothing.
      const allTypes = names.length > 0 && names.every((name) => (name.importKind ?? name.exportKind) === 'type')
      return { specifier, typeOnly: kind === 'type' || allTypes, dynamic: false }
    }
    case 'ExportAllDeclaration':
      return { specifier, typeOnly: node.exportKind === 'type', dynamic: false }
    case 'TSImportType':
      return { specifier, typeOnly: true, dynamic: false }
    default:
      return null
  }
}

function globalOf(node: Node): GlobalUse['name'] | null {
  if (node.type === 'ImportDeclaration' && isProcessModule(node)) {
    const names = (node.specifiers ?? []) as { imported?: { name?: string } }[]
    return names.some(({ imported }) => imported?.name === 'env') ? 'process.env' : null
  }
  if (node.type !== 'MemberExpression') return null
  const object = node.object as { type: string; name?: string }
  const property = node.property as { name?: string; value?: unknown }
  if (object.type !== 'Identifier') return null
  if (object.name === 'console') return 'console'
  return object.name === 'process' && (property.name === 'env' || property.value === 'env') ? 'process.env' : null
}

function isProcessModule(node: Node): boolean {
  const { value } = node.source as { value: unknown }
  return value === 'node:process' || value === 'process'
}

/** The title of `it('…')`, `test('…')` and their forms (`it.skipIf(x)('…')`); `undefined` for any other node. */
function titleOf(node: Node): string | null | undefined {
  if (node.type !== 'CallExpression' || !isTestFunction(node.callee as Node)) return undefined
  const [first, second] = node.arguments as Node[]
  if (!first || !second) return undefined
  if (first.type === 'Literal' && typeof first.value === 'string') return first.value
  if (first.type !== 'TemplateLiteral') return null
  const [start] = first.quasis as { value: { cooked: string } }[]
  return start?.value.cooked || null
}

function isTestFunction(callee: Node): boolean {
  if (callee.type === 'Identifier') return callee.name === 'it' || callee.name === 'test'
  if (callee.type === 'MemberExpression') return isTestFunction(callee.object as Node)
  if (callee.type === 'CallExpression') return isTestFunction(callee.callee as Node)
  return false
}

function lineCounter(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    const next = starts.findIndex((start) => start > offset)
    return next === -1 ? starts.length : next
  }
}
