import { createHash } from 'node:crypto'
import { HoldfastError } from '@holdfast/protocol'

const MAX_SEGMENT_BYTES = 255
const MAX_NAME_BYTES = 4096
// Windows opens a device under these names, whatever extension stands behind them.
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const NOT_ON_WINDOWS = /[<>:"|?*]/g

/**
 * The name a received file is stored under: folders divided by `/`, Unicode in NFC, names Windows would read as a
 * device prefixed with `_`. Throws INVALID_INPUT for a name that leads out of its folder, is absolute, holds control
 * characters, or is too long for a file system.
 */
export function safeRelativeName(name: string): string {
  if (!name.isWellFormed() || CONTROL.test(name)) throw invalid(name, 'holds characters no file name may hold')
  const unified = name.normalize('NFC').replaceAll('\\', '/')
  if (unified.startsWith('/') || /^[A-Za-z]:/.test(unified)) throw invalid(name, 'is absolute')
  if (unified.endsWith('/')) throw invalid(name, 'is the name of a folder')
  const segments = unified.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.length === 0) throw invalid(name, 'is empty')
  if (segments.includes('..')) throw invalid(name, 'leads out of its folder')
  const safe = segments.map(portable)
  if (safe.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) throw invalid(name, 'is too long')
  const joined = safe.join('/')
  if (Buffer.byteLength(joined) > MAX_NAME_BYTES) throw invalid(name, 'is too long')
  return joined
}

function portable(segment: string): string {
  const named = RESERVED.test(segment) ? `_${segment}` : segment
  // Windows drops dots and spaces at the end, which would make another name of it.
  const ended = named.replace(/[. ]$/, '_')
  return process.platform === 'win32' ? ended.replace(NOT_ON_WINDOWS, '_') : ended
}

function invalid(name: string, why: string): HoldfastError {
  const shown = name.length > 120 ? `${name.slice(0, 120)}…` : name
  return new HoldfastError('INVALID_INPUT', `The file name ${JSON.stringify(shown)} ${why}.`)
}

/** Whether a folder of the name or the file itself begins with a dot. */
export function isHidden(name: string): boolean {
  return name.split('/').some((segment) => segment.startsWith('.'))
}

/** `notes.md` with 2 becomes `notes (2).md`. */
export function numbered(name: string, number: number): string {
  const slash = name.lastIndexOf('/') + 1
  const dot = name.lastIndexOf('.')
  const end = dot > slash ? dot : name.length
  return `${name.slice(0, end)} (${number})${name.slice(end)}`
}

const EXTENSIONS: Record<string, string> = {
  'text/html': '.html',
  'application/xhtml+xml': '.html',
  'application/pdf': '.pdf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': '.docx',
  'text/markdown': '.md',
  'text/plain': '.txt',
  'text/csv': '.csv',
  'application/json': '.json',
  'text/xml': '.xml',
  'application/xml': '.xml',
}
// What these types hold is told by no other ending: a `.php` that answers HTML is a page.
const DECISIVE = new Set(['.html', '.pdf', '.docx'])
const SAME = new Map([
  ['.htm', '.html'],
  ['.xhtml', '.html'],
])

/**
 * The name a downloaded document is stored under, made of its URL's path; `docs/guide/` is `docs/guide/index.html`.
 * The ending follows the content type; a query becomes a short hash, so that two pages do not share a name.
 */
export function nameForUrl(url: URL, contentType: string | undefined, suggested?: string | undefined): string {
  const extension = EXTENSIONS[(contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? ''] ?? ''
  const segments = url.pathname.split('/').filter((segment) => segment !== '')
  const isFolder = segments.length === 0 || url.pathname.endsWith('/')
  const names = segments.map((segment) => cleanSegment(decode(segment)))
  if (isFolder) names.push('index')
  if (suggested) names.splice(-1, 1, cleanSegment(suggested))
  const last = withExtension(names.pop() ?? 'index', extension)
  names.push(url.search === '' || suggested ? last : withHash(last, url.search))
  const joined = names.join('/')
  // Longer than any page's address; kept apart by its hash.
  return Buffer.byteLength(joined) <= 1024 ? joined : `pages/${shortHash(url.href)}${extension}`
}

/** The same name made unlike any other page's. */
export function nameApart(name: string, url: string): string {
  return withHash(name.replaceAll('/', '_').slice(-150), url)
}

function withExtension(name: string, extension: string): string {
  const dot = name.lastIndexOf('.')
  const own = dot > 0 ? name.slice(dot).toLowerCase() : ''
  if (extension === '' || (SAME.get(own) ?? own) === extension) return name
  return own === '' || DECISIVE.has(extension) || !/^\.[a-z0-9]{1,8}$/.test(own) ? name + extension : name
}

function withHash(name: string, text: string): string {
  const dot = name.lastIndexOf('.')
  const end = dot > 0 ? dot : name.length
  return `${name.slice(0, end)}~${shortHash(text)}${name.slice(end)}`
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** A folder's or file's name out of anything a stranger may send: no separator, no leading dot, at most 150 bytes. */
function cleanSegment(text: string): string {
  const plain = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\\/]/g, '_')
    .replace(NOT_ON_WINDOWS, '_')
    .split('')
    .map((character) => (CONTROL.test(character) ? '_' : character))
    .join('')
    .replace(/^\.+/, '_')
  const safe = portable(plain === '' ? '_' : plain)
  if (Buffer.byteLength(safe) <= 150) return safe
  const extension = /\.[A-Za-z0-9]{1,8}$/.exec(safe)?.[0] ?? ''
  return `${Buffer.from(safe).toString('utf8', 0, 100).replaceAll('\uFFFD', '')}~${shortHash(safe)}${extension}`
}

/** The file name of a `Content-Disposition` header; RFC 6266, of RFC 5987's charsets only UTF-8. */
export function dispositionName(header: string | undefined): string | undefined {
  if (!header || header.length > 2048) return undefined
  const extended = /filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header)?.[1]
  const quoted = /filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header)?.[1]?.replace(/\\(.)/g, '$1')
  const plain = /filename\s*=\s*([^";\s]+)/i.exec(header)?.[1]
  const name = extended === undefined ? (quoted ?? plain) : decode(extended)
  return name?.split(/[\\/]/).at(-1) || undefined
}
