import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { Stop } from './stop.ts'

const cwd = tmpdir()

/** Each variable with a value it does not take. */
const BAD: [name: string, value: string, why: RegExp][] = [
  ['PORT', 'http', /not a number/],
  ['PORT', '70000', /above 65535/],
  ['PORT', '-1', /below 0/],
  ['PORT', '1.5', /not a whole number/],
  ['DATABASE_URL', 'mysql://localhost/holdfast', /neither a postgres:/],
  ['DATABASE_URL', 'postgres://local host/holdfast', /neither a postgres:/],
  ['DATABASE_URL', 'me:kelp@there:5432/holdfast', /neither a postgres:/],
  ['DATABASE_URL', 'postgres:/me:kelp@there/holdfast', /neither a postgres:/],
  ['DATABASE_URL', 'postgres://me:ke#lp@there/holdfast', /written %23/],
  ['REDIS_URL', 'localhost:6379', /not a redis:/],
  ['REDIS_URL', 'redis://localhost', /several nodes on one PostgreSQL/],
  ['OPERATOR_TOKEN', 'short', /shorter than 16/],
  ['JWT_SECRET', 'short', /shorter than 32/],
  ['JWT_SECRET', `${'x'.repeat(32)},kelp@short`, /shorter than 32/],
  ['JWT_SECRET', ',', /no secret/],
  ['ALLOWED_ORIGINS', 'https://a.org,nonsense', /not an origin/],
  ['ALLOWED_ORIGINS', 'https://a.org/app', /not an origin/],
  ['ALLOWED_ORIGINS', 'https://me@a.org', /not an origin/],
  ['ALLOWED_ORIGINS', 'ftp://a.org', /not an origin/],
  ['INGEST_PRIVATE_NETWORKS', '10.0.0.0', /not networks/],
  ['INGEST_PRIVATE_NETWORKS', '10.0.0.0/33', /not networks/],
  ['INGEST_PRIVATE_NETWORKS', '10.0.0.0/8,kelp/8', /not networks/],
  ['INGEST_ROOTS', '/nowhere/at/all', /is not a folder/],
  ['CONNECTIONS_PER_ADDRESS', '0', /below 1/],
  ['CONNECTIONS_PER_ADDRESS', '1.5', /whole/],
  ['INGEST_PROCESSES', '0', /below 1/],
  ['INGEST_PROCESSES', 'many', /expected number|not a/i],
  ['GITHUB_BASE_URL', 'nonsense', /not a URL/],
  ['LOG_LEVEL', 'loud', /LOG_LEVEL/],
]

describe('readConfig', () => {
  it.each(BAD)('[HOST1] %s=%s is refused in one line that names it', (name, value, why) => {
    const refusal = catchStop(() => readConfig({ [name]: value }, cwd))
    expect(refusal.exitCode).toBe(1)
    expect(refusal.message).toMatch(new RegExp(`^${name} is not right: `))
    expect(refusal.message).toMatch(why)
    expect(refusal.message).not.toContain('\n')
    expect(refusal.message).not.toContain('kelp@')
  })

  it('[HOST1] NODE_ENV=production without JWT_SECRET is refused', () => {
    expect(catchStop(() => readConfig({ NODE_ENV: 'production' }, cwd)).message).toMatch(/^JWT_SECRET is missing/)
    const [one, other] = ['x'.repeat(32), 'y'.repeat(32)]
    expect(readConfig({ NODE_ENV: 'production', JWT_SECRET: one }, cwd).secrets).toEqual([one])
    expect(readConfig({ JWT_SECRET: `${one}, ${other},` }, cwd).secrets).toEqual([one, other])
    expect(readConfig({}, cwd).secrets).toEqual([])
  })

  it('[HOST1] an empty variable is one that was not set', () => {
    const config = readConfig({ PORT: '', DATA_DIR: '', OPERATOR_TOKEN: '', INGEST_ROOTS: '' }, cwd)
    expect(config).toMatchObject({ port: 4000, host: '127.0.0.1', dataDir: join(cwd, 'data'), operatorToken: null })
    expect(config.ingestRoots).toEqual([cwd])
  })

  it('[HOST1] lists are read as such, paths from the folder it starts in', () => {
    const roots = ['.', '/'].join(delimiter)
    const config = readConfig({ INGEST_ROOTS: roots, ALLOWED_ORIGINS: 'https://a.org/, HTTPS://B.org:443' }, cwd)
    expect(config.ingestRoots).toEqual([cwd, '/'])
    expect(config.allowedOrigins).toEqual(['https://a.org', 'https://b.org'])
    const INGEST_PRIVATE_NETWORKS = '10.0.0.0/8, fd00::/8'
    expect(readConfig({ INGEST_PRIVATE_NETWORKS }, cwd).ingestPrivateNetworks).toEqual(['10.0.0.0/8', 'fd00::/8'])
    const storeOf = (env: Record<string, string>) => readConfig(env, cwd).store
    expect(storeOf({})).toEqual({ kind: 'sqlite', path: join(cwd, 'data', 'holdfast.db') })
    expect(storeOf({ DATABASE_URL: 'elsewhere.db' })).toEqual({ kind: 'sqlite', path: join(cwd, 'elsewhere.db') })
    const [url, redisUrl] = ['postgresql://me@there/holdfast', 'redis://there']
    expect(storeOf({ DATABASE_URL: url })).toEqual({ kind: 'postgres', url, redisUrl: null })
    expect(storeOf({ DATABASE_URL: url, REDIS_URL: redisUrl })).toEqual({ kind: 'postgres', url, redisUrl })
  })
})

function catchStop(act: () => unknown): Stop {
  try {
    act()
  } catch (error) {
    if (error instanceof Stop) return error
    throw error
  }
  throw new Error('it was accepted')
}
