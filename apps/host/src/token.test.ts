import { beforeAll, describe, expect, it, vi } from 'vitest'
import { ensurePageBuilt } from '../../../scripts/build-page.ts'
import { jsonLines, place, REPOSITORY } from './fixtures/command.ts'

beforeAll(async () => {
  await ensurePageBuilt({ root: REPOSITORY })
}, 120_000)

// Whole processes, several in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })

const me = async (url: string, token: string) =>
  (await fetch(`${url}/api/me`, { headers: { authorization: `Bearer ${token}` } })).json()

describe('token', () => {
  it('[HOST21] makes a token at the running server, alone on stdout or as JSON; the server never logs it', async () => {
    const at = place()
    const server = await at.serve({ LOG_LEVEL: 'trace' })
    const asked = ['token', '--scope', 'read:projects/p1/*', '--scope', 'append:notes/*', '--subject', 'ann']
    const plain = at.run(asked)
    expect(await plain.ended()).toBe(0)
    const text = plain.stdout.trimEnd()
    expect(text).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(plain.stderr).toMatch(/^For ann, until \d{4}-.*Z: read:projects\/p1\/\* append:notes\/\*\n$/)
    const scope = ['read:projects/p1/*', 'append:notes/*']
    expect(await me(server.url, text)).toMatchObject({ kind: 'user', id: 'ann', scope })
    const json = at.run([...asked, '--expires-in', '60', '--json'])
    expect(await json.ended()).toBe(0)
    const [made] = jsonLines(json.stdout)
    expect(made).toMatchObject({ type: 'token', tokenType: 'Bearer', subject: 'ann', scope })
    const left = Date.parse(String(made?.expiresAt)) - Date.now()
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(60_000)
    const own = at.run(['token', '--scope', 'read:*', '--json'])
    expect(await own.ended()).toBe(0)
    expect(jsonLines(own.stdout)).toMatchObject([{ subject: 'operator', scope: ['read:*'] }])
    for (const one of [text, String(made?.token)]) expect(server.stderr).not.toContain(one)
    expect(server.stderr).toContain('token_made')
  })

  it('[HOST21] says what it refuses: with 2 what is asked wrongly, with 1 where no server runs', async () => {
    const at = place()
    const alone = at.run(['token', '--scope', 'read:*'])
    expect(await alone.ended()).toBe(1)
    expect(alone.stderr).toMatch(/^holdfast: no server runs on DATA_DIR /)
    await at.serve()
    for (const [args, why] of [
      [[], /^holdfast: --scope is missing/],
      [['--scope', 'write:x'], /^holdfast: .*not a scope.*\(INVALID_INPUT\)/],
      [['--scope', 'read:x', '--subject', 'a b'], /\(INVALID_INPUT\)/],
      [['--scope', 'read:x', '--expires-in', 'soon'], /--expires-in soon is no number of seconds/],
      [['--scope', 'read:x', '--expires-in', '9999'], /\(INVALID_INPUT\)/],
      [['--scope', 'read:x', 'more'], /one argument too many/],
    ] as const) {
      const wrong = at.run(['token', ...args])
      expect([await wrong.ended(), wrong.stdout], args.join(' ')).toEqual([2, ''])
      expect(wrong.stderr).toMatch(why)
      expect(wrong.stderr.trimEnd()).not.toContain('\n')
    }
  })

  it('[HOST22] another JWT_SECRET in front of the one before signs nobody out', async () => {
    const at = place()
    const [before, after] = ['a'.repeat(32), 'b'.repeat(32)]
    const first = await at.serve({ JWT_SECRET: before, NODE_ENV: 'production' })
    const made = at.run(['token', '--scope', 'read:*', '--subject', 'ann'])
    expect(await made.ended()).toBe(0)
    const token = made.stdout.trimEnd()
    const restart = async (server: typeof first, JWT_SECRET: string) => {
      server.kill('SIGTERM')
      expect(await server.ended()).toBe(0)
      return at.serve({ JWT_SECRET, NODE_ENV: 'production' })
    }
    const second = await restart(first, `${after},${before}`)
    expect(await me(second.url, token)).toMatchObject({ id: 'ann' })
    const third = await restart(second, after)
    expect(await me(third.url, token)).toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})
