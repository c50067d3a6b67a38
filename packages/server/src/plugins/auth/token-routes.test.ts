import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, type Minted, startLiveServer, TOKEN } from '../../transport/fixtures/live-server.ts'

let live: LiveServer
const start = async (options?: Parameters<typeof startLiveServer>[0]) => {
  live = await startLiveServer(options)
  return live
}
afterEach(() => live[Symbol.asyncDispose]())

const DAY = 24 * 3600 * 1000
const with_ = ({ token }: Minted) => ({ authorization: `Bearer ${token}` })
const me = async (headers: Record<string, string>) => (await live.request('/api/me', { headers })).json<object>()
const ask = (body: unknown, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }) =>
  live.request('/api/auth/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
const security = (kind: string) =>
  live.lines.map((line) => JSON.parse(line)).filter((line: { security?: string }) => line.security === kind)

/** Signs in as a browser does; the cookie's pair. */
async function signIn(): Promise<{ cookie: string }> {
  const { headers } = await live.request(`/login?token=${TOKEN}`, { headers: {} })
  return { cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '' }
}

describe('POST /api/auth/token', () => {
  it('[P6f] the operator makes tokens for anybody with any scope, for 15 minutes or as long as said', async () => {
    const clock = new ManualClock()
    await start({ clock })
    const token = await live.mint({ subject: 'ann', scope: ['read:projects/p1/*'] })
    const expiresAt = new Date(clock.now() + 900_000).toISOString()
    expect(token).toEqual({
      token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      tokenType: 'Bearer',
      subject: 'ann',
      scope: ['read:projects/p1/*'],
      expiresAt,
    })
    expect(await me(with_(token))).toEqual({ kind: 'user', id: 'ann', scope: ['read:projects/p1/*'], expiresAt })
    const service = await live.mint({ subject: 'services/mailer', scope: ['append:mail/*'], expiresIn: 3_600 })
    expect(await me(with_(service))).toMatchObject({ kind: 'service', id: 'services/mailer' })
    const own = await live.mint({}, await signIn())
    expect(await me(with_(own))).toMatchObject({ kind: 'operator', id: 'operator', scope: ['manage:*'] })
    const none = await live.request('/api/auth/token', { method: 'POST' })
    expect([none.status, none.headers['cache-control']]).toEqual([200, 'no-store'])
    clock.advance(900_000 - 1)
    expect(await me(with_(token))).toMatchObject({ id: 'ann' })
    clock.advance(1)
    expect(await me(with_(token))).toMatchObject({ code: 'UNAUTHENTICATED', detail: 'That token has expired.' })
    expect(await me(with_(service))).toMatchObject({ id: 'services/mailer' })
    expect(security('token_made')[0]).toMatchObject({ by: 'operator', subject: 'ann', scope: ['read:projects/p1/*'] })
  })

  it('[P6f] whoever has a token gets another for the same subject, with the same scope or less', async () => {
    const clock = new ManualClock()
    await start({ clock })
    const token = await live.mint({ subject: 'ann', scope: ['manage:a/*', 'read:b'] })
    clock.advance(600_000)
    const again = await live.mint({}, with_(token))
    expect(again).toMatchObject({ subject: 'ann', scope: ['manage:a/*', 'read:b'] })
    expect(Date.parse(again.expiresAt) - clock.now()).toBe(900_000)
    const less = await live.mint({ scope: ['append:a/1'], subject: 'ann' }, with_(again))
    expect(await me(with_(less))).toMatchObject({ id: 'ann', scope: ['append:a/1'] })
    for (const [body, reason] of [
      [{ subject: 'bob' }, 'other_subject'],
      [{ subject: 'operator' }, 'other_subject'],
      [{ subject: 'bob', scope: ['read:b'] }, 'other_subject'],
      [{ scope: ['read:b/*'] }, 'wider_scope'],
      [{ scope: ['read:*'] }, 'wider_scope'],
      [{ scope: ['read:a/1', 'append:b'] }, 'wider_scope'],
    ] as const) {
      const refused = await ask(body, with_(token))
      expect([refused.status, refused.json().code], JSON.stringify(body)).toEqual([403, 'FORBIDDEN'])
      expect(security('token_not_made').at(-1)).toMatchObject({ reason, principal: 'ann' })
    }
    expect((await ask({ scope: ['append:a/2'] }, with_(less))).status).toBe(403)
    clock.advance(300_000)
    expect((await ask({}, with_(token))).status).toBe(401)
    expect(security('token_refused').at(-1)).toMatchObject({ reason: 'expired' })
  })

  it("[AUTH18] tokens that are renewed from one another end 30 days after the first, and with a cookie's session", async () => {
    const clock = new ManualClock()
    // A store with a clock of its own would have to be told of those days.
    await start({ clock, ground: { store: 'memory', nodes: 1, redis: false } })
    const began = clock.now()
    const cookie = await signIn()
    let token = await live.mint({ subject: 'ann', scope: ['read:a'], expiresIn: 3_600 })
    let own = await live.mint({ expiresIn: 3_600 }, cookie)
    const step = 3_540_000
    while (clock.now() + step < began + 30 * DAY) {
      clock.advance(step)
      token = await live.mint({ expiresIn: 3_600 }, with_(token))
      own = await live.mint({ expiresIn: 3_600 }, with_(own))
    }
    const end = new Date(began + 30 * DAY).toISOString()
    expect([token.expiresAt, own.expiresAt]).toEqual([end, end])
    clock.advance(began + 30 * DAY - clock.now())
    expect([(await ask({}, with_(token))).status, (await ask({}, with_(own))).status]).toEqual([401, 401])
  })

  it('[AUTH18] what is not asked rightly is refused with the field that is wrong', async () => {
    await start()
    for (const [body, field] of [
      [{ subject: 'ann' }, 'scope'],
      [{ subject: 'ann', scope: [] }, 'scope'],
      [{ subject: 'ann', scope: 'read:a' }, 'scope'],
      [{ subject: 'ann', scope: ['read:a', 'write:a'] }, 'scope[1]'],
      [{ subject: 'ann', scope: Array(51).fill('read:a') }, 'scope'],
      [{ subject: 'ann', scope: Array(9).fill(`read:${'x'.repeat(500)}`) }, 'scope'],
      [{ subject: '', scope: ['read:a'] }, 'subject'],
      [{ subject: 'a b', scope: ['read:a'] }, 'subject'],
      [{ subject: 'x'.repeat(201), scope: ['read:a'] }, 'subject'],
      [{ expiresIn: 0 }, 'expiresIn'],
      [{ expiresIn: 3_601 }, 'expiresIn'],
      [{ expiresIn: 1.5 }, 'expiresIn'],
      [{ expiresIn: '900' }, 'expiresIn'],
    ] as const) {
      const refused = await ask(body)
      const { code, errors = [] } = refused.json()
      expect([refused.status, code, errors[0]?.field], JSON.stringify(body)).toEqual([400, 'INVALID_INPUT', field])
    }
    for (const body of [{ scopes: ['read:*'] }, [], 'x']) expect((await ask(body)).status).toBe(400)
    expect((await ask({}, {})).status).toBe(401)
    // Nobody's page may have one made with somebody's cookie.
    const foreign = { ...(await signIn()), origin: 'https://evil.example' }
    expect((await ask({}, foreign)).status).toBe(403)
  })

  it('[AUTH19] tokens from before somebody signed out everywhere, or was revoked, are void', async () => {
    await start()
    const [ann, bob] = [
      await live.mint({ subject: 'ann', scope: ['read:*'] }),
      await live.mint({ subject: 'bob', scope: ['read:*'] }),
    ]
    const renewed = await live.mint({}, with_(ann))
    expect((await live.request('/logout?everywhere=true', { method: 'POST', headers: with_(ann) })).status).toBe(204)
    // Each goes to the next node in turn.
    const statuses = (of: Minted) =>
      Promise.all(Array.from({ length: 4 }, async () => (await live.request('/api/me', { headers: with_(of) })).status))
    await expect.poll(() => statuses(ann)).toEqual([401, 401, 401, 401])
    await expect.poll(() => statuses(renewed)).toEqual([401, 401, 401, 401])
    expect((await ask({}, with_(renewed))).status).toBe(401)
    expect(security('token_refused').at(-1)).toMatchObject({ reason: 'signed_out' })
    expect(await statuses(bob)).toEqual([200, 200, 200, 200])
    const kick = (body: object) =>
      live.request('/api/sessions/kick', {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    expect((await kick({ principal: 'bob' })).status).toBe(204)
    expect(await statuses(bob)).toEqual([200, 200, 200, 200])
    expect((await kick({ principal: 'bob', revoke: true })).status).toBe(204)
    await expect.poll(() => statuses(bob)).toEqual([401, 401, 401, 401])
    expect(await me(with_(await live.mint({ subject: 'ann', scope: ['read:*'] })))).toMatchObject({ id: 'ann' })
  })

  it("[AUTH19] a token in the operator's name that lets do little signs the operator out nowhere", async () => {
    await start()
    const little = await live.mint({ scope: ['read:projects/p1/*'] })
    const cookie = await signIn()
    const signOut = (headers: Record<string, string>) =>
      live.request('/logout?everywhere=true', { method: 'POST', headers })
    const refused = await signOut(with_(little))
    expect([refused.status, refused.json().code]).toEqual([403, 'FORBIDDEN'])
    expect([await me(cookie), await me(with_(little))]).toMatchObject([{ id: 'operator' }, { id: 'operator' }])
    expect((await signOut(with_(await live.mint({})))).status).toBe(204)
    await expect.poll(() => me(cookie)).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('[AUTH17] with another operator token whatever was made under the one before is nobody', async () => {
    await start()
    const tokens = [await live.mint({ subject: 'ann', scope: ['read:*'] }), await live.mint({})]
    await live[Symbol.asyncDispose]()
    await start({ operatorToken: 'another-operator-token' })
    for (const token of tokens) {
      expect(await me(with_(token))).toMatchObject({ code: 'UNAUTHENTICATED' })
      expect((await ask({}, with_(token))).status).toBe(401)
    }
  })

  it('[AUTH17] with another secret what the one before signed still counts, cookies too, until that is left out', async () => {
    await start()
    const [token, cookie] = [await live.mint({ subject: 'ann', scope: ['read:*'] }), await signIn()]
    await live[Symbol.asyncDispose]()
    await start({ sessionSecret: Buffer.alloc(32, 9), previousSecrets: [Buffer.alloc(32, 7)] })
    expect([await me(with_(token)), await me(cookie)]).toMatchObject([{ id: 'ann' }, { id: 'operator' }])
    const [after, again] = [await live.mint({ subject: 'ann', scope: ['read:*'] }), await signIn()]
    await live[Symbol.asyncDispose]()
    await start({ sessionSecret: Buffer.alloc(32, 9) })
    expect([await me(with_(after)), await me(again)]).toMatchObject([{ id: 'ann' }, { id: 'operator' }])
    expect([await me(with_(token)), await me(cookie)]).toMatchObject(Array(2).fill({ code: 'UNAUTHENTICATED' }))
  })
})
