import type { Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { HoldfastError } from '@holdfast/protocol'
import type { Rejection } from '../../ports.ts'

/** Where a path may lead. */
export interface PathGuard {
  /**
   * The real path of a file or folder that may be ingested. Throws INVALID_INPUT for what is not an absolute path,
   * PATH_NOT_ALLOWED for anything outside the roots, inside DATA_DIR or behind a dot folder, NOT_FOUND where there is
   * nothing. Whether something outside the roots exists is not told.
   */
  check(name: string): Promise<string>
  /** Whether a real path lies in DATA_DIR. */
  inDataDir(realPath: string): Promise<boolean>
  /** DATA_DIR with its links resolved. */
  dataDir(): Promise<string>
  /** The allowed root a real path lies under, or `null`. */
  rootOf(realPath: string): Promise<string | null>
}

export function createPathGuard(options: { dataDir: string; roots: string[] }): PathGuard {
  const dataDir = () => realPathOrItself(options.dataDir)
  const realRoots = () => Promise.all(options.roots.map(realPathOrItself))

  async function rootOf(realPath: string): Promise<string | null> {
    return (await realRoots()).find((root) => isAllowedBelow(root, realPath)) ?? null
  }

  async function check(name: string): Promise<string> {
    if (name.includes('\0') || !path.isAbsolute(name)) {
      throw new HoldfastError('INVALID_INPUT', 'The path has to be absolute.')
    }
    const found = await resolveExisting(name)
    if (!found) {
      const named = path.resolve(name)
      const roots = [...options.roots, ...(await realRoots())]
      if (!roots.some((root) => isAllowedBelow(path.resolve(root), named))) throw notAllowed(name)
      throw new HoldfastError('NOT_FOUND', `There is nothing at ${name}.`)
    }
    if ((await rootOf(found.realPath)) === null || isWithin(await dataDir(), found.realPath)) throw notAllowed(name)
    if (!found.stats.isDirectory() && !found.stats.isFile()) {
      throw new HoldfastError('INVALID_INPUT', `${name} is neither a file nor a folder.`)
    }
    return found.realPath
  }

  return { check, dataDir, rootOf, inDataDir: async (realPath) => isWithin(await dataDir(), realPath) }
}

/**
 * Why a file that was found once may not be read now. `isOurs`: it was stored by us, so it has to lie in DATA_DIR;
 * anything else has to lie where paths may.
 */
export async function recheckFile(guard: PathGuard, name: string, isOurs: boolean): Promise<Rejection | null> {
  const found = await resolveExisting(name)
  if (!found) return { rejected: 'VANISHED' }
  if (!found.stats.isFile()) return { rejected: 'SPECIAL_FILE' }
  const inDataDir = await guard.inDataDir(found.realPath)
  const isAllowed = isOurs ? inDataDir : !inDataDir && (await guard.rootOf(found.realPath)) !== null
  return isAllowed ? null : { rejected: 'LINK_OUTSIDE', detail: 'It is not inside an allowed folder any more.' }
}

function notAllowed(name: string): HoldfastError {
  return new HoldfastError('PATH_NOT_ALLOWED', `${name} is not inside an allowed folder (INGEST_ROOTS).`)
}

async function resolveExisting(name: string): Promise<{ realPath: string; stats: Stats } | null> {
  try {
    const realPath = await realpath(name)
    return { realPath, stats: await stat(realPath) }
  } catch {
    return null
  }
}

/** A root or DATA_DIR may not exist yet, or come and go with a mount. */
async function realPathOrItself(name: string): Promise<string> {
  return realpath(name).catch(() => path.resolve(name))
}

/** Whether `child` is `parent` or lies below it; both absolute and normalised. */
export function isWithin(parent: string, child: string): boolean {
  return child === parent || child.startsWith(parent.endsWith(path.sep) ? parent : parent + path.sep)
}

/** Below the root, and on the way there no folder (nor the file itself) that begins with a dot. */
function isAllowedBelow(root: string, child: string): boolean {
  if (!isWithin(root, child)) return false
  return !path
    .relative(root, child)
    .split(path.sep)
    .some((segment) => segment.startsWith('.'))
}
