import { startPostgres, type TestPostgres, withPostgres } from '@holdfast/testing'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensurePageBuilt } from '../../../scripts/build-page.ts'
import { place, REPOSITORY } from './fixtures/command.ts'
import { openStore } from './open-store.ts'
import { Stop } from './stop.ts'

let postgres: TestPostgres
beforeAll(async () => {
  await ensurePageBuilt({ root: REPOSITORY })
  postgres = await startPostgres()
}, 120_000)
afterAll(() => postgres[Symbol.asyncDispose]())

const options = { logger: pino({ enabled: false }), onFatal: () => {} }

/** The address of the server's first database, with something else in it. */
function address(change: (url: URL) => void): string {
  const url = new URL(postgres.url)
  change(url)
  return url.href
}

async function refusal(url: string): Promise<string> {
  const refused = await openStore({ kind: 'postgres', url, redisUrl: null }, options).catch((error) => error)
  expect(refused).toBeInstanceOf(Stop)
  expect(refused.message).not.toContain('\n')
  return refused.message
}

describe('a PostgreSQL that cannot be used', () => {
  it('[HOST2] is refused in one line that names DATABASE_URL and says why, without the password', async () => {
    const sql = "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    await withPostgres(postgres.url, (client) => client.query(sql))
    const wrongs: [change: (url: URL) => void, why: RegExp][] = [
      [(url) => (url.password = 'kelp-forest'), /password authentication failed/],
      [(url) => (url.password = ''), /password/],
      [(url) => (url.port = '1'), /ECONNREFUSED/],
      [(url) => (url.pathname = '/nowhere'), /"nowhere" does not exist/],
      [(url) => (url.pathname = '/latin'), /encoded in LATIN1, and must be in UTF8/],
    ]
    for (const [change, why] of wrongs) {
      const said = await refusal(address(change))
      expect(said).toMatch(/^DATABASE_URL postgres:\/\/postgres@127\.0\.0\.1:\d+\/\w+ cannot be used: /)
      expect(said).toMatch(why)
      expect(said).not.toContain('kelp-forest')
    }
  })

  it('[HOST2] so is one whose role may not make tables', async () => {
    await withPostgres(postgres.url, (client) => client.query("CREATE ROLE reader LOGIN PASSWORD 'kelp-forest'"))
    const url = address((to) => {
      to.username = 'reader'
      to.password = 'kelp-forest'
    })
    const command = place().run(['serve'], { DATABASE_URL: url })
    expect(await command.ended()).toBe(1)
    const said = command.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(
      /^holdfast: DATABASE_URL postgres:\/\/reader@.* cannot be used: permission denied for schema/,
    )
  })
})
