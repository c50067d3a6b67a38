import { spawn } from 'node:child_process'
import { createHash, type Hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

export interface BuildPageOptions {
  /** The repository. */
  root: string
  /** Told in one line what is being done; not called when the page is fresh. */
  onProgress?: (line: string) => void
}

export interface PageBuild {
  /** The folder to serve. */
  folder: string
  /** Whether it had to be built. */
  wasBuilt: boolean
  /** Milliseconds, looking included. */
  ms: number
}

/** Files and folders the page is made of; `*` is one folder's name. */
const SOURCES = [
  'package-lock.json',
  'apps/dashboard/index.html',
  'apps/dashboard/vite.config.ts',
  'apps/dashboard/package.json',
  'apps/dashboard/src',
  'apps/dashboard/public',
  'apps/*/client.ts',
  'apps/*/view.ts',
  'apps/*/streams.ts',
  'apps/*/panel.tsx',
  'apps/*/panel',
  'packages/protocol/src',
  'packages/client/src',
  'packages/react/src',
  'packages/ui/src',
]
const DIST = 'apps/dashboard/dist'
const STAMP = '.build-stamp'
const LOCK = 'apps/dashboard/dist.lock'

/**
 * Builds the page where its sources are newer than what was built. The new one is built beside the old and takes its
 * place at once, so a server that is running never serves half of it; the assets of the one before stay for the pages
 * that are open. Rejects with what the builder said when it fails; the old page then stays.
 */
export async function ensurePageBuilt({ root, onProgress }: BuildPageOptions): Promise<PageBuild> {
  const started = performance.now()
  const folder = join(root, DIST)
  const stamp = stampOf(root)
  let wasBuilt = false
  if (stamp !== readStamp(folder)) {
    onProgress?.('Building the page (once; again when its sources change) …')
    const unlock = await lock(join(root, LOCK))
    try {
      // Another process may have built it meanwhile.
      wasBuilt = stamp !== readStamp(folder)
      if (wasBuilt) await build(root, folder, stamp)
    } finally {
      unlock()
    }
    onProgress?.(`Built the page in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
  }
  return { folder, wasBuilt, ms: performance.now() - started }
}

/** One process builds at a time. The lock holds its builder's pid, so that one whose builder died is not waited for. */
async function lock(file: string): Promise<() => void> {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const builder = readLock(file)
    if (builder !== null && !isRunning(builder)) rmSync(file, { force: true })
    else await setTimeout(100)
  }
}

/** `null` while the file is being written, or is gone. */
function readLock(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8')) || null
  } catch {
    return null
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Says what the sources are, by path, size and time of change: reading them all would take too long at each start. */
function stampOf(root: string): string {
  const hash = createHash('sha256')
  const apps = list(join(root, 'apps'))
  const paths = SOURCES.flatMap((path) => (path.includes('*') ? apps.map((app) => path.replace('*', app)) : path))
  for (const path of [...new Set(paths)]) hashTree(root, path, hash)
  return hash.digest('hex')
}

function hashTree(root: string, path: string, hash: Hash): void {
  const found = statSync(join(root, path), { throwIfNoEntry: false })
  if (found === undefined || path.endsWith('.test.ts')) return
  if (found.isDirectory()) {
    for (const name of list(join(root, path))) hashTree(root, `${path}/${name}`, hash)
  } else {
    hash.update(`${path}\0${found.size}\0${found.mtimeMs}\n`)
  }
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

function readStamp(folder: string): string | null {
  try {
    return readFileSync(join(folder, STAMP), 'utf8')
  } catch {
    return null
  }
}

async function build(root: string, folder: string, stamp: string): Promise<void> {
  const fresh = `${folder}.new-${process.pid}`
  const old = `${folder}.old-${process.pid}`
  try {
    await rm(fresh, { recursive: true, force: true })
    await runVite(root, fresh)
    await packAssets(join(fresh, 'assets'))
    await keepOldAssets(folder, fresh)
    writeFileSync(join(fresh, STAMP), stamp)
    if (existsSync(folder)) await rename(folder, old)
    await rename(fresh, folder)
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(old, { recursive: true, force: true })
  }
}

function runVite(root: string, outDir: string): Promise<void> {
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const args = [vite, 'build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn']
  const child = spawn(process.execPath, args, {
    cwd: join(root, 'apps/dashboard'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`The page could not be built (vite ended with ${code}).\n${said.trim()}`))
    })
  })
}

/** Below this packing saves nothing, bytes. */
const WORTH_PACKING = 1024

/** Packs scripts and styles once, so that no server does it for each who asks. Fonts are packed as they are. */
async function packAssets(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  for (const name of await readdir(folder)) {
    if (!/\.(js|css|svg)$/.test(name)) continue
    const content = await readFile(join(folder, name))
    if (content.length >= WORTH_PACKING) await writeFile(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }))
  }
}

/** How long assets of earlier builds are kept, ms: as long as somebody may have a page open. */
const KEEP_ASSETS_MS = 7 * 24 * 3600 * 1000

/** A page that is open loads parts of its own build later on; they have names of their own, so they can stay. */
async function keepOldAssets(folder: string, fresh: string): Promise<void> {
  const from = join(folder, 'assets')
  const to = join(fresh, 'assets')
  if (!existsSync(from)) return
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) {
    const { mtimeMs } = await stat(join(from, name))
    if (Date.now() - mtimeMs > KEEP_ASSETS_MS) continue
    await cp(join(from, name), join(to, name), { force: false, preserveTimestamps: true })
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = join(fileURLToPath(import.meta.url), '../..')
  const { folder, wasBuilt, ms } = await ensurePageBuilt({ root, onProgress: (line) => console.log(line) })
  if (!wasBuilt) console.log(`${relative(root, folder)} is fresh (looked ${ms.toFixed(0)} ms).`)
}
