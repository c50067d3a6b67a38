import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { anchorsOf, type Finding, lineAt, withoutCode } from './markdown.ts'

/** Relative links of a document that lead nowhere. `path` is relative to `root`. */
export function checkLinks(root: string, path: string): Finding[] {
  const text = withoutCode(readFileSync(join(root, path), 'utf8'))
  const found: Finding[] = []
  for (const match of text.matchAll(/\[[^\]]*\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
    const link = match[1] ?? ''
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) continue
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : posix.join(posix.dirname(path), decodeURI(file))
    const what = missing(root, target, anchor)
    if (what) found.push({ path, line: lineAt(text, match.index), what })
  }
  return found
}

function missing(root: string, target: string, anchor: string | undefined): string | null {
  if (target.startsWith('..') || !existsSync(join(root, target))) return `the link to ${target} leads nowhere`
  if (anchor === undefined || !target.endsWith('.md')) return null
  const anchors = anchorsOf(readFileSync(join(root, target), 'utf8'))
  return anchors.has(anchor) ? null : `${target} has no heading #${anchor}`
}
