import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

// Packages that every machine installs alike, under licences that allow copying (MIT, Apache-2.0, BSD, ISC).
const PACKAGES = [
  'chai',
  'debug',
  'docx',
  'fast-check',
  'fastify',
  'ignore',
  'ipaddr.js',
  'kysely',
  'magic-string',
  'mammoth',
  'pdf-lib',
  'pdfkit',
  'pg',
  'picomatch',
  'pino',
  'react',
  'react-dom',
  'tar-stream',
  'turndown',
  'undici',
  'unpdf',
  'vite',
  'vitest',
  'ws',
  'yauzl',
  'zod',
] as const

const PATTERNS = ['*.md', 'LICENSE*', 'docs/**/*.md', 'lib/**/*.js', '{dist,types,lib,src,cjs,v4}/**/*.d.ts']
const MAX_BYTES = 300_000

export interface PackageFile {
  /** `fastify/docs/Guides/Testing.md` */
  path: string
  content: Buffer
}

/**
 * Texts and sources that others wrote: documentation, licences, declarations and code out of the installed packages.
 * The choice is by the hash of the path, so it is the same wherever the same versions are installed; no content twice.
 */
export function packageFiles(count: number, seed: string | number): PackageFile[] {
  const seen = new Set<string>()
  const files: PackageFile[] = []
  for (const path of candidates(seed)) {
    if (files.length === count) break
    const content = readFileSync(join(ROOT, 'node_modules', path))
    const hash = sha256(content)
    if (seen.has(hash) || !/\S/.test(content.toString('utf8'))) continue
    seen.add(hash)
    files.push({ path, content })
  }
  return files
}

function candidates(seed: string | number): string[] {
  const cwd = join(ROOT, 'node_modules')
  return PACKAGES.flatMap((name) => PATTERNS.flatMap((pattern) => globSync(`${name}/${pattern}`, { cwd })))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')))
    .filter((path) => {
      const stats = statSync(join(cwd, path))
      return stats.isFile() && stats.size > 0 && stats.size <= MAX_BYTES
    })
    .map((path) => ({ path, rank: sha256(`${seed}/${path}`) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ path }) => path)
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
