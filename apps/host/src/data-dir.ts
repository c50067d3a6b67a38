import { randomBytes } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  /** A secret kept in this folder, generated once; hex of 32 random bytes. */
  secret(name: string): string
  publish(record: ServerRecord): void
  /** Takes the record back and lets go of the folder. */
  release(): void
}

const RECORD = 'server.json'

/**
 * Opens a DATA_DIR for this process alone. The lock is one of the operating system's, held on a file through SQLite,
 * so it ends with the process however that ends; a file with a process number in it would outlive a kill.
 */
export function openDataDir(path: string): DataDir {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new Stop(`DATA_DIR is not usable: ${path} cannot be written to (${systemCode(error)})`)
  }
  const lock = takeLock(path)
  return {
    path,
    secret: (name) => readOrMakeSecret(join(path, name)),
    publish: (record) => writeFileSync(join(path, RECORD), `${JSON.stringify(record)}\n`, { mode: 0o600 }),
    release() {
      rmSync(join(path, RECORD), { force: true })
      lock.close()
    },
  }
}

/** The server that runs on this DATA_DIR, as it recorded itself; `null` where none does. */
export function readServerRecord(path: string): ServerRecord | null {
  try {
    return JSON.parse(readFileSync(join(path, RECORD), 'utf8'))
  } catch {
    return null
  }
}

function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(join(path, 'holdfast.lock'), { timeout: 0 })
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== 5) throw error
    const record = readServerRecord(path)
    const who = record ? ` at ${record.url} (process ${record.pid})` : ''
    throw new DataDirTaken(
      `Holdfast already runs${who} on DATA_DIR ${path}; stop it, or choose another DATA_DIR and PORT`,
    )
  }
}

function readOrMakeSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
  const secret = randomBytes(32).toString('hex')
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  return secret
}
