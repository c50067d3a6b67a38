import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DataDirTaken, Stop, systemCode } from './stop.ts'

/** How a running server is found by whoever shares its DATA_DIR. */
export interface ServerRecord {
  pid: number
  url: string
  token: string
  startedAt: string
}

export interface DataDir {
  path: string
  /** A secret kept in this folder, generated once; hex of 32 random bytes. Stops where the file holds no such thing. */
  secret(name: string): string
  publish(record: ServerRecord): void
  /** Takes the record back and lets go of the folder. */
  release(): void
}

const RECORD = 'server.json'
const LOCK = 'holdfast.lock'
// Whoever only asks whether the folder is taken holds the lock for a moment.
const ASKING_MS = 500

/**
 * Opens a DATA_DIR for this process alone. The lock is one of the operating system's, held on a file through SQLite,
 * so it ends with the process however that ends; a file with a process number in it would outlive a kill.
 */
export function openDataDir(path: string): DataDir {
  try {
    makeFolders(path)
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new Stop(`DATA_DIR is not usable: ${path} cannot be written to (${systemCode(error)})`)
  }
  const lock = takeLock(path)
  // Of one that was killed: it names a port that may be anybody's by now.
  rmSync(join(path, RECORD), { force: true })
  return {
    path,
    secret: (name) => readOrMakeSecret(join(path, name)),
    publish: (record) => writeWhole(join(path, RECORD), `${JSON.stringify(record)}\n`),
    release() {
      rmSync(join(path, RECORD), { force: true })
      lock.close()
    },
  }
}

/**
 * The server that runs on this DATA_DIR, as it recorded itself; `null` where none does. What a killed one left behind
 * is not believed: somebody must hold the folder.
 */
export function readServerRecord(path: string): ServerRecord | null {
  return isTaken(path) ? readRecord(path) : null
}

function readRecord(path: string): ServerRecord | null {
  try {
    return JSON.parse(readFileSync(join(path, RECORD), 'utf8'))
  } catch {
    return null
  }
}

/** Asks by a lock that readers share, so that two who ask do not take each other for a server. */
function isTaken(path: string): boolean {
  let lock: DatabaseSync | null = null
  try {
    lock = new DatabaseSync(join(path, LOCK), { readOnly: true, timeout: 0 })
    lock.prepare('SELECT count(*) FROM sqlite_master').get()
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    lock?.close()
  }
}

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === 5
}

/**
 * Makes a folder and those above it, one by one: Node's own `recursive` never comes back from a place where nothing
 * can be made, such as /proc.
 */
function makeFolders(path: string): void {
  if (existsSync(path)) return
  makeFolders(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(join(path, LOCK), { timeout: ASKING_MS })
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    const record = readRecord(path)
    const who = record ? ` at ${record.url} (process ${record.pid})` : ''
    throw new DataDirTaken(
      `Holdfast already runs${who} on DATA_DIR ${path}; stop it, or choose another DATA_DIR and PORT`,
    )
  }
}

function readOrMakeSecret(file: string): string {
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw new Stop(`the secret ${file} cannot be read (${systemCode(error)})`)
    secret = randomBytes(32).toString('hex')
    writeWhole(file, `${secret}\n`)
  }
  if (/^[0-9a-f]{64}$/i.test(secret)) return secret
  throw new Stop(`the secret ${file} is not whole: it must be 64 hex digits; remove it to have a new one made`)
}

/** Nobody ever finds half of it, whenever the machine stops. */
function writeWhole(file: string, text: string): void {
  const partial = `${file}.partial`
  rmSync(partial, { force: true })
  const handle = openSync(partial, 'wx', 0o600)
  try {
    writeFileSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(partial, file)
}
