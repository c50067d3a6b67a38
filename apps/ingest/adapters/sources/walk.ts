import { isUtf8 } from 'node:buffer'
import { constants, type Dirent } from 'node:fs'
import { lstat, open, opendir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { HoldfastError } from '@holdfast/protocol'
import type { FileCode, FoundFile, Rejection } from '../../ports.ts'
import { type GitignoreStack, readGitignore } from './gitignore.ts'
import { gitignoreAbove, NO_RULES } from './gitignore-above.ts'
import { isWithin, type PathGuard } from './path-guard.ts'

// How many entries of a folder are looked at together: enough to keep the disk busy, few enough to hold.
const LOOK_AHEAD = 32
// Deeper than any tree people make; the cost of matching a path grows with its depth.
const MAX_DEPTH = 128

interface Entry {
  name: string
  /** The name's bytes, with a slash behind a folder's: their order is the order of the paths below. */
  key: Buffer
  kind: 'file' | 'folder' | 'link' | 'special' | 'unnameable'
}

interface Folder {
  /** Relative to the root, `/` between names, empty for the root. */
  name: string
  absolutePath: string
  entries: Entry[]
  next: number
  rules: GitignoreStack
}

type RejectedFile = { path: string } & Rejection

interface Walk {
  root: string
  /** The root's place below the folder the rules count from: empty, or with a slash behind it. */
  rulesPrefix: string
  /** Left out wherever it turns up. */
  excluded: string | null
  signal: AbortSignal
}

/**
 * Walks a folder in byte order of the paths; a file as root is found alone. See README.md for what is left out, what
 * is rejected and why. Throws NOT_FOUND where there is no root, PATH_NOT_ALLOWED where it has come to lead elsewhere.
 */
export async function* walk(root: string, guard: PathGuard, signal: AbortSignal): AsyncGenerator<FoundFile> {
  signal.throwIfAborted()
  const realRoot = await openRoot(root, guard)
  const stats = await lstat(realRoot)
  if (!stats.isDirectory()) {
    yield await inspectFile(path.basename(realRoot), realRoot)
    return
  }
  const inDataDir = await guard.inDataDir(realRoot)
  const above = inDataDir ? NO_RULES : await gitignoreAbove(realRoot, guard)
  const excluded = inDataDir ? null : await guard.dataDir()
  yield* walkFrom({ root: realRoot, rulesPrefix: above.prefix, excluded, signal }, above.rules)
}

/** Depth first; a stack of its own, so that a deep tree costs no chain of generators. */
async function* walkFrom(state: Walk, above: GitignoreStack): AsyncGenerator<FoundFile> {
  const first = await openFolder(state, '', above)
  if ('rejected' in first) return yield first
  const stack: Folder[] = [first]
  for (let folder = stack.at(-1); folder; folder = stack.at(-1)) {
    state.signal.throwIfAborted()
    const entries = nextEntries(folder)
    if (entries.length === 0) {
      stack.pop()
      continue
    }
    if (entries[0]?.kind === 'folder') {
      const child = await enterFolder(state, folder, entries[0], stack.length)
      if (child && 'rejected' in child) yield child
      else if (child) stack.push(child)
      continue
    }
    const current = folder
    for (const found of await Promise.all(entries.map((entry) => inspect(state, current, entry)))) {
      state.signal.throwIfAborted()
      if (found) yield found
    }
  }
}

/** The next folder alone, or the next few entries that are none. */
function nextEntries(folder: Folder): Entry[] {
  const batch: Entry[] = []
  while (batch.length < LOOK_AHEAD) {
    const entry = folder.entries[folder.next]
    if (!entry || (entry.kind === 'folder' && batch.length > 0)) break
    folder.next++
    batch.push(entry)
    if (entry.kind === 'folder') break
  }
  return batch
}

async function openRoot(root: string, guard: PathGuard): Promise<string> {
  const realRoot = await realpath(root).catch((cause) => {
    throw new HoldfastError('NOT_FOUND', `There is nothing at ${root}.`, { cause })
  })
  // The folder was checked when the source was fetched; where it leads elsewhere by now, it is checked again.
  if (realRoot !== path.resolve(root) && !(await guard.inDataDir(realRoot))) await guard.check(realRoot)
  return realRoot
}

/** The folder to walk next, why it is not walked, or nothing where it is left out without a word. */
async function enterFolder(state: Walk, parent: Folder, entry: Entry, depth: number) {
  const name = join(parent.name, entry.name)
  if (state.excluded === path.join(parent.absolutePath, entry.name)) return null
  if (parent.rules.ignores(state.rulesPrefix + name, true)) return null
  if (depth >= MAX_DEPTH) return reject(name, 'UNREADABLE', `It lies more than ${MAX_DEPTH} folders deep.`)
  return openFolder(state, name, parent.rules)
}

async function openFolder(state: Walk, name: string, above: GitignoreStack): Promise<Folder | RejectedFile> {
  const absolutePath = path.join(state.root, name)
  try {
    const entries = await readEntries(absolutePath)
    // A link may have taken the folder's place since it was listed; what was read through it does not count.
    if ((await realpath(absolutePath)) !== absolutePath) return reject(name, 'LINK_OUTSIDE')
    const ownPatterns = await readGitignore(absolutePath)
    const rules = above.enter((state.rulesPrefix + name).replace(/\/$/, ''), ownPatterns)
    return { name, absolutePath, entries, next: 0, rules }
  } catch (error) {
    return reject(name === '' ? '.' : name, ...explain(error))
  }
}

async function readEntries(folder: string): Promise<Entry[]> {
  const entries: Entry[] = []
  // Names as bytes: one that is not UTF-8 would be changed on the way into a string and not be found again. The
  // option is real (fs.opendir takes any encoding), only the type of what comes out does not follow it.
  const listing = (await opendir(folder, { encoding: 'buffer' as BufferEncoding })) as unknown as AsyncIterable<
    Dirent<Buffer>
  >
  for await (const dirent of listing) {
    if (dirent.name[0] !== DOT) entries.push(toEntry(dirent))
  }
  return entries.sort((a, b) => Buffer.compare(a.key, b.key))
}

const DOT = 0x2e
const SLASH = Buffer.from('/')

function toEntry(dirent: Dirent<Buffer>): Entry {
  if (!isUtf8(dirent.name)) return { name: showBytes(dirent.name), key: dirent.name, kind: 'unnameable' }
  const name = dirent.name.toString('utf8')
  if (dirent.isDirectory()) return { name, key: Buffer.concat([dirent.name, SLASH]), kind: 'folder' }
  return { name, key: dirent.name, kind: dirent.isFile() ? 'file' : dirent.isSymbolicLink() ? 'link' : 'special' }
}

/** A name for people: what is not ASCII as `\\xE9`. */
function showBytes(name: Buffer): string {
  return Array.from(name, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

async function inspect(state: Walk, folder: Folder, entry: Entry): Promise<FoundFile | null> {
  const name = join(folder.name, entry.name)
  const absolutePath = path.join(folder.absolutePath, entry.name)
  if (entry.kind === 'unnameable') return reject(name, 'UNREADABLE', 'Its name is not valid UTF-8.')
  if (absolutePath === state.excluded || folder.rules.ignores(state.rulesPrefix + name, false)) return null
  if (entry.kind === 'special') return reject(name, 'SPECIAL_FILE')
  return entry.kind === 'link' ? inspectLink(state, name, absolutePath) : inspectFile(name, absolutePath)
}

async function inspectFile(name: string, absolutePath: string): Promise<FoundFile> {
  try {
    // Opening it is the one sure way to learn whether it can be; no link, and no waiting for a pipe's other end.
    const handle = await open(
      absolutePath,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    )
    try {
      const stats = await handle.stat()
      if (!stats.isFile()) return reject(name, 'SPECIAL_FILE')
      return { path: name, absolutePath, size: stats.size, modifiedAt: Math.round(stats.mtimeMs) }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ELOOP') return reject(name, 'VANISHED', 'A link has taken its place.')
    return reject(name, ...explain(error))
  }
}

/** A link to a file inside the root is that file under the link's name; its real path is what will be opened. */
async function inspectLink(state: Walk, name: string, absolutePath: string): Promise<FoundFile | null> {
  try {
    const target = await realpath(absolutePath)
    if (!isWithin(state.root, target)) return reject(name, 'LINK_OUTSIDE')
    // What is left out at its own place is not let in by a link.
    if (state.excluded !== null && isWithin(state.excluded, target)) return null
    if (path.relative(state.root, target).split(path.sep).some(isHidden)) return null
    const stats = await stat(target)
    if (stats.isFile()) return await inspectFile(name, target).then((found) => ({ ...found, path: name }))
    if (!stats.isDirectory()) return reject(name, 'SPECIAL_FILE')
    if (isWithin(target, path.dirname(absolutePath))) return reject(name, 'LINK_CYCLE')
    return reject(name, 'SPECIAL_FILE', 'A link to a folder. Its files are read where they are, not through the link.')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return reject(name, 'UNREADABLE', 'A link to something that is not there.')
    return reject(name, ...explain(error))
  }
}

function isHidden(segment: string): boolean {
  return segment.startsWith('.')
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function reject(name: string, rejected: FileCode, detail?: string): RejectedFile {
  return { path: name, rejected, ...(detail === undefined ? {} : { detail }) }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** What a failed look at a file or folder means. Only errors of the file system end here. */
function explain(error: unknown): [FileCode, string?] {
  const code = codeOf(error)
  if (code === undefined) throw error
  if (code === 'ENOENT' || code === 'ENOTDIR') return ['VANISHED']
  if (code === 'ELOOP') return ['LINK_CYCLE', 'A link that leads back to itself.']
  if (code === 'EACCES' || code === 'EPERM') return ['UNREADABLE', 'The server is not permitted to read it.']
  if (code === 'ENAMETOOLONG') return ['UNREADABLE', 'Its path is too long.']
  return ['UNREADABLE', `The file system answered ${code}.`]
}
