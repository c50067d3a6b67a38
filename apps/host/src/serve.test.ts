import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { until } from '@holdfast/testing'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ensurePageBuilt } from '../../../scripts/build-page.ts'
import { jsonLines, manyFiles, type Place, place, REPOSITORY, start } from './fixtures/command.ts'

// Otherwise the first server would be waited for as long as the page takes to build.
beforeAll(async () => {
  await ensurePageBuilt({ root: REPOSITORY })
}, 120_000)

// Whole processes, several in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })

/** Runs `serve` where it cannot start, and answers its one line. */
async function refusal(at: Place, env: Record<string, string>): Promise<string> {
  const command = at.run(['serve'], env)
  expect(await command.ended()).toBe(1)
  expect(command.stdout).toBe('')
  // Beside the log's lines of JSON.
  const said = command.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  expect(said).toHaveLength(1)
  return said[0] ?? ''
}

describe('serve that cannot start', () => {
  it.each([
    ['PORT', 'http'],
    ['INGEST_ROOTS', '/nowhere/at/all'],
    ['OPERATOR_TOKEN', 'short'],
    ['DATABASE_URL', 'mysql://localhost/holdfast'],
    ['REDIS_URL', 'redis://localhost'],
    ['LOG_LEVEL', 'loud'],
    ['INGEST_PRIVATE_NETWORKS', 'kelp'],
  ])('[HOST1] %s=%s: one line that names it, exit code 1', async (name, value) => {
    expect(await refusal(place(), { [name]: value })).toMatch(new RegExp(`^holdfast: ${name} is not right: `))
  })

  it('[HOST2] a taken port: one line that names it', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await until(() => taken.listening)
    const address = taken.address()
    const port = String(typeof address === 'object' ? address?.port : '')
    expect(await refusal(place(), { PORT: port })).toMatch(
      new RegExp(`^holdfast: PORT ${port} is taken on 127\\.0\\.0\\.1`),
    )
  })

  it('[HOST2] an address that is not this machine: one line that names it', async () => {
    // Source: RFC 5737, an address for documentation that no machine has.
    expect(await refusal(place(), { HOST: '192.0.2.1' })).toMatch(/^holdfast: HOST 192\.0\.2\.1 is not an address/)
  })

  it('[HOST2] a DATA_DIR that cannot be written: one line that names it', async () => {
    const at = place()
    writeFileSync(join(at.folder, 'file'), '')
    // Below a file nobody can make a folder, root included.
    expect(await refusal(at, { DATA_DIR: join(at.folder, 'file/data') })).toMatch(/^holdfast: DATA_DIR is not usable: /)
    // A place where Node's recursive mkdir never comes back.
    if (process.platform === 'linux') {
      expect(await refusal(at, { DATA_DIR: '/proc/nope/data' })).toMatch(/^holdfast: DATA_DIR is not usable: /)
    }
  })

  it('[HOST2] a database that is none: one line that names it, and the file stays as it was', async () => {
    const at = place()
    const file = join(at.folder, 'notes.db')
    writeFileSync(file, 'These are my notes, and no database at all. '.repeat(100))
    const before = readFileSync(file)
    expect(await refusal(at, { DATABASE_URL: file })).toContain(file)
    expect(readFileSync(file).equals(before)).toBe(true)
  })
})

describe('files that are not right', () => {
  it('[HOST2] a database of a newer version: one line that says so', async () => {
    const at = place()
    const file = join(at.folder, 'newer.db')
    const db = new DatabaseSync(file)
    db.exec('CREATE TABLE migrations (id TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)')
    db.exec("INSERT INTO migrations VALUES ('log/9999_later', 1)")
    db.close()
    expect(await refusal(at, { DATABASE_URL: file })).toMatch(/^holdfast: it cannot start: .*newer version/)
  })

  it('[HOST18] an empty secret: one line that names the file', async () => {
    const at = place()
    mkdirSync(at.dataDir)
    const file = join(at.dataDir, 'session-secret')
    writeFileSync(file, '')
    expect(await refusal(at, {})).toContain(`the secret ${file} is not whole`)
  })
})

describe('one server per DATA_DIR', () => {
  it('[HOST3] refuses the second and says where the first runs', async () => {
    const at = place()
    const first = await at.serve()
    const said = await refusal(at, {})
    expect(said).toBe(
      `holdfast: Holdfast already runs at ${first.url} (process ${first.pid}) on DATA_DIR ${at.dataDir}; ` +
        'stop it, or choose another DATA_DIR and PORT',
    )
  })

  it('[HOST3] a kill -9 frees it at once', async () => {
    const at = place()
    const first = await at.serve()
    first.kill('SIGKILL')
    await first.ended()
    expect(existsSync(join(at.dataDir, 'server.json'))).toBe(true)
    const second = await at.serve()
    expect(JSON.parse(readFileSync(join(at.dataDir, 'server.json'), 'utf8')).pid).toBe(second.pid)
  })
})

describe('closing', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '[HOST4] %s in the middle of work: quickly, and the next start finishes it',
    async (signal) => {
      const at = place()
      const server = await at.serve({ INGEST_PROCESSES: '1' })
      const files = at.files('docs', manyFiles(1000))
      const watcher = at.run(['ingest', files, '--json'])
      await watcher.said('stdout', /"phaseName":"extract"/)
      const asked = performance.now()
      server.kill(signal)
      expect(await server.ended()).toBe(0)
      expect(performance.now() - asked).toBeLessThan(signal === 'SIGINT' ? 5_000 : 30_000)
      expect(existsSync(join(at.dataDir, 'server.json'))).toBe(false)

      await watcher.said('stderr', /reconnecting \(attempt 1, in \d s\)/)
      await at.serve()
      expect(await watcher.ended()).toBe(0)
      const summary = jsonLines(watcher.stdout).at(-1)
      expect(summary).toMatchObject({ type: 'summary', status: 'done', files: { total: 1000, done: 1000, failed: 0 } })
    },
  )

  it('[HOST4] with nothing to do it is quick and quiet', async () => {
    const at = place()
    const server = await at.serve()
    server.kill('SIGINT')
    expect(await server.ended()).toBe(0)
    expect(server.stdout.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('secrets', () => {
  it('[HOST5] are made once and are the owner’s alone', async () => {
    const at = place()
    const first = await at.serve()
    for (const name of ['operator-token', 'session-secret', 'server.json']) {
      expect([name, statSync(join(at.dataDir, name)).mode & 0o777]).toEqual([name, 0o600])
    }
    expect(statSync(at.dataDir).mode & 0o777).toBe(0o700)
    first.kill('SIGINT')
    await first.ended()
    expect((await at.serve()).token).toBe(first.token)
  })

  it('[HOST5] no token stands in a log line, at the level that tells most', async () => {
    const at = place()
    const server = await at.serve({ LOG_LEVEL: 'trace' })
    const { url, token } = server
    const wrong = 'a-wrong-token-of-some-length'
    const headers = { authorization: `Bearer ${token}` }
    const signIn = await fetch(`${url}/login?token=${token}`, { redirect: 'manual' })
    const cookie = signIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect(cookie).not.toBe('')
    await fetch(`${url}/login?token=${wrong}`, { redirect: 'manual' })
    await fetch(`${url}/api/projects`, { headers: { authorization: `Bearer ${wrong}` } })
    await fetch(`${url}/api/projects?token=${token}`, { headers })
    await fetch(`${url}/api/projects`, { headers: { cookie } })
    await fetch(`${url}/nowhere?token=${token}`, { headers })
    await fetch(`${url}/api/projects`, { method: 'POST', headers, body: 'not json' })
    server.kill('SIGINT')
    await server.ended()
    expect(server.stderr).toContain('"path":"/login"')
    expect(server.stderr).toContain('"path":"/nowhere"')
    const secret = readFileSync(join(at.dataDir, 'session-secret'), 'utf8').trim()
    for (const hidden of [token, wrong, cookie.split('=')[1] ?? cookie, secret])
      expect(server.stderr).not.toContain(hidden)
  })
})

describe('the launcher', () => {
  it('[HOST17] runs from another folder, by the name npm gives it', async () => {
    const at = place()
    const command = start(join(REPOSITORY, 'node_modules/.bin/holdfast'), ['help'], at.folder, {})
    expect(await command.ended()).toBe(0)
    expect(command.stdout).toContain('holdfast ingest <path')
  })

  it('[HOST17] goes on under the pinned Node where it got another, with its exit code and its signals', async () => {
    const at = place()
    // As good a Node as any, and not the one that stands in node_modules.
    const other = join(at.folder, 'other-node')
    copyFileSync(process.execPath, other)
    const tells = join(at.folder, 'tells.mjs')
    writeFileSync(tells, "process.stderr.write('under ' + process.execPath + '\\n')\n")
    const launcher = join(REPOSITORY, 'apps/host/bin/holdfast.js')
    const env = { DATA_DIR: at.dataDir, PORT: '0', INGEST_ROOTS: at.folder }
    const told = { ...env, NODE_OPTIONS: `--import ${tells}` }
    const wrong = start(other, [launcher, 'nonsense'], at.folder, told)
    expect(await wrong.ended()).toBe(2)
    expect(wrong.stderr).toContain('there is no command "nonsense"')
    expect(wrong.stderr.match(/^under .*$/gm)).toEqual([`under ${other}`, `under ${realpathSync(process.execPath)}`])
    const server = start(other, [launcher, 'serve', '--json'], at.folder, env)
    onTestFinished(() => server.kill('SIGKILL'))
    await server.said('stdout', /"type":"ready"/)
    server.kill('SIGTERM')
    expect(await server.ended()).toBe(0)
  })
})
