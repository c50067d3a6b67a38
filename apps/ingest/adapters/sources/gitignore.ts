import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import ignore, { type Ignore } from 'ignore'

/** The rules of one `.gitignore`, for what lies below its folder. */
interface Layer {
  /** The folder of the file, as a prefix of the paths asked about: `''` or `'docs/'`. */
  base: string
  rules: Ignore
}

const OPTIONS = { ignorecase: false }
const MAX_BYTES = 256 * 1024
const MAX_PATTERNS = 2_000
const MAX_PATTERN_LENGTH = 1_024
// A pattern becomes a regular expression, and each globstar in it multiplies what it can cost on a deep path. Files
// come from strangers, so a pattern with more of them than anybody writes is not used.
const MAX_GLOBSTARS = 3

/**
 * What every `.gitignore` from the top down to one folder says, as git reads them: the deepest file that has a
 * matching pattern decides, its last matching pattern first. Immutable; a folder's child gets its own.
 */
export class GitignoreStack {
  static readonly empty = new GitignoreStack([])
  readonly #layers: Layer[]

  private constructor(layers: Layer[]) {
    this.#layers = layers
  }

  /** Whether a path is left out. Its folders have to be walked from the top, none of them being left out itself. */
  ignores(name: string, isFolder: boolean): boolean {
    for (const { base, rules } of this.#layers) {
      const result = rules.test(name.slice(base.length) + (isFolder ? '/' : ''))
      if (result.ignored || result.unignored) return result.ignored
    }
    return false
  }

  /**
   * The rules inside a folder: those of its own `.gitignore` before those from above. Made anew for every folder,
   * because `ignore` remembers each path it was ever asked about.
   */
  enter(folder: string, patterns: string[] | null): GitignoreStack {
    const prefix = folder === '' ? '' : `${folder}/`
    const layers = this.#layers.map(({ base, rules }) => {
      const fresh = ignore(OPTIONS).add(rules)
      const own = prefix.slice(base.length)
      // A deeper file has taken this folder back in: for what is inside, the rule against the folder is void.
      if (own !== '' && rules.test(own).ignored) fresh.add(`!/${escapePattern(own)}`)
      return { base, rules: fresh }
    })
    if (patterns && patterns.length > 0) layers.unshift({ base: prefix, rules: ignore(OPTIONS).add(patterns) })
    return new GitignoreStack(layers)
  }
}

/**
 * The patterns of a folder's `.gitignore`, or `null` where there is none. A link in its place is not read, as in
 * git; neither are lines that are no pattern, nor more than 2,000 of them.
 */
export async function readGitignore(folder: string): Promise<string[] | null> {
  const text = await readHead(path.join(folder, '.gitignore'))
  if (text === null) return null
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  return lines.filter(isUsable).slice(0, MAX_PATTERNS)
}

async function readHead(file: string): Promise<string | null> {
  // Without O_NONBLOCK a named pipe in its place would hold us up for ever.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  const handle = await open(file, flags).catch(() => null)
  if (!handle) return null
  try {
    if (!(await handle.stat()).isFile()) return null
    const buffer = Buffer.alloc(MAX_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, MAX_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch {
    return null
  } finally {
    await handle.close()
  }
}

function isUsable(line: string): boolean {
  if (line.trim() === '' || line.startsWith('#') || line.length > MAX_PATTERN_LENGTH) return false
  if ((line.match(/\*\*+/g)?.length ?? 0) > MAX_GLOBSTARS) return false
  try {
    ignore(OPTIONS).add([line]).test('a')
    return true
  } catch {
    return false
  }
}

function escapePattern(name: string): string {
  return name.replace(/[\\*?[\]!# ]/g, '\\$&')
}
