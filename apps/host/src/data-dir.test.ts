import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDataDir, readServerRecord } from './data-dir.ts'
import { followRecord, terminalWorld } from './local-server.ts'
import { Stop } from './stop.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-data-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const record = { pid: process.pid, url: 'http://127.0.0.1:9', token: 'a'.repeat(64), startedAt: '2026-01-01T00:00:00Z' }
const writeRecord = () => writeFileSync(join(folder, 'server.json'), JSON.stringify(record))

describe('secrets', () => {
  it('[HOST5] are made once and whole, and leave nothing half behind', () => {
    const dataDir = openDataDir(folder)
    const secret = dataDir.secret('operator-token')
    expect(secret).toMatch(/^[0-9a-f]{64}$/)
    expect(dataDir.secret('operator-token')).toBe(secret)
    expect(statSync(join(folder, 'operator-token')).mode & 0o777).toBe(0o600)
    dataDir.publish(record)
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([])
    dataDir.release()
  })

  it.each(['', '\n', 'abc', 'z'.repeat(64), 'a'.repeat(63)])(
    '[HOST18] %j in the file is refused by its name',
    (text) => {
      const file = join(folder, 'operator-token')
      writeFileSync(file, text)
      const dataDir = openDataDir(folder)
      expect(() => dataDir.secret('operator-token')).toThrow(Stop)
      expect(() => dataDir.secret('operator-token')).toThrow(`the secret ${file} is not whole`)
      expect(readFileSync(file, 'utf8')).toBe(text)
      dataDir.release()
    },
  )

  it('[HOST18] one that cannot be read is refused by its name', () => {
    mkdirSync(join(folder, 'session-secret'))
    const dataDir = openDataDir(folder)
    expect(() => dataDir.secret('session-secret')).toThrow(`${join(folder, 'session-secret')} cannot be read (EISDIR)`)
    dataDir.release()
  })
})

describe('the record of the server', () => {
  it('[HOST6] is believed only while somebody holds the folder', () => {
    writeRecord()
    expect(readServerRecord(folder)).toBeNull()
    const dataDir = openDataDir(folder)
    // Of the one before.
    expect(readServerRecord(folder)).toBeNull()
    dataDir.publish(record)
    expect(readServerRecord(folder)).toEqual(record)
    dataDir.release()
    writeRecord()
    expect(readServerRecord(folder)).toBeNull()
  })

  it('[HOST6] asking whether it holds keeps nobody from taking the folder', () => {
    openDataDir(folder).release()
    const asking = new DatabaseSync(join(folder, 'holdfast.lock'), { readOnly: true })
    asking.prepare('SELECT count(*) FROM sqlite_master').get()
    expect(readServerRecord(folder)).toBeNull()
    openDataDir(folder).release()
    asking.close()
  })

  it('[HOST6] no token goes to a port that stands in a record left behind', async () => {
    const dataDir = openDataDir(folder)
    dataDir.publish(record)
    const address = followRecord(folder, record)
    expect(address()).toEqual(record)
    dataDir.release()
    writeRecord()
    expect(address()).toEqual({ url: record.url, token: null })
    await expect(terminalWorld(address).fetch(`${record.url}/health`)).rejects.toThrow('no server runs')
  })
})
