import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from '../../transport/fixtures/live-server.ts'
import { signSession } from './session-cookie.ts'

let live: LiveServer
const start = async (options?: Parameters<typeof startLiveServer>[0]) => {
  live = await startLiveServer(options)
  return live
}
afterEach(() => live[Symbol.asyncDispose]())

const OPERATOR = { kind: 'operator', id: 'operator', scope: ['manage:*'], expiresAt: null }
const DAY = 24 * 3600 * 1000

/** Signs in as a browser does; the cookie's pair and the whole header. */
async function signIn(token = TOKEN) {
  const { status, headers } = await live.request(`/login?token=${token}`, { headers: {} })
  const set = headers['set-cookie']?.[0] ?? ''
  return { status, headers, set, cookie: set.split(';')[0] ?? '' }
}

const me = (headers: Record<string, string>) => live.request('/api/me', { headers })
const post = (headers: Record<string, string>) =>
  live.request('/test/things', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"name":"x"}',
  })
const security = () => live.lines.flatMap((line) => JSON.parse(line).security ?? [])

describe('who may ask', () => {
  it('[AUTH1] nobody gets past without a principal, whatever they ask for', async () => {
    await start()
    await live.append('s', '1')
    for (const path of ['/api/me', '/v1/stream/s', '/v1/stream/s?view=state', '/openapi.json', '/test/broken']) {
      const answer = await live.request(path, { headers: {} })
      expect([answer.status, answer.json().code, answer.headers['www-authenticate']], path).toEqual([
        401,
        'UNAUTHENTICATED',
        'Bearer',
      ])
    }
    const sse = await live.request('/v1/stream/s', { headers: { accept: 'text/event-stream' } })
    const changed = await post({})
    expect([sse.status, changed.status]).toEqual([401, 401])
    const socket = live.socket('/v1/stream/s', { headers: {} })
    await expect.poll(() => socket.refused?.status).toBe(401)
    expect((await live.request('/health', { headers: {} })).status).toBe(200)
  })

  it('[AUTH2] the operator token opens, any other is refused and noted, without being written down', async () => {
    await start()
    expect((await me({ authorization: `Bearer ${TOKEN}` })).json<object>()).toEqual(OPERATOR)
    expect((await me({ authorization: `bearer ${TOKEN}` })).status).toBe(200)
    const wrong = ['Bearer wrong', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, 'Bearer ', 'bearer']
    for (const authorization of wrong) expect((await me({ authorization })).status, authorization).toBe(401)
    expect(security()).toEqual(wrong.map(() => 'token_refused'))
    // A wrong token is wrong, even beside a good cookie.
    const { cookie } = await signIn()
    expect((await me({ cookie, authorization: 'Bearer wrong' })).status).toBe(401)
    // What anybody may see is there all the same.
    const health = await live.request('/health', { headers: { authorization: 'Bearer wrong' } })
    expect(health.status).toBe(200)
  })

  it('[AUTH9] another scheme, such as the Basic of a proxy, says nothing and does not stand in the way', async () => {
    await start()
    const { cookie } = await signIn()
    for (const authorization of ['Basic b3A6c2VjcmV0', `Basic ${TOKEN}`, TOKEN, 'Bearerx']) {
      expect((await me({ authorization })).status, authorization).toBe(401)
      expect((await me({ authorization, cookie })).status, authorization).toBe(200)
    }
    const foreign = { authorization: 'Basic b3A6c2VjcmV0', cookie, origin: 'https://evil.example' }
    expect((await post(foreign)).status).toBe(403)
    expect(security()).toEqual(['origin_refused'])
  })

  it('[AUTH3] the link signs a browser in with a cookie no script and no foreign page can use', async () => {
    const clock = new ManualClock()
    await start({ clock })
    const { status, headers, set, cookie } = await signIn()
    expect([status, headers.location, headers['referrer-policy']]).toEqual([303, '/', 'no-referrer'])
    const flags = set.split('; ').slice(1)
    const expires = new Date(clock.now() + 30 * DAY).toUTCString()
    expect(flags.sort()).toEqual([`Expires=${expires}`, 'HttpOnly', 'Path=/', 'SameSite=Strict'])
    expect(set).not.toContain(TOKEN)
    expect((await me({ cookie })).json<object>()).toEqual(OPERATOR)
    const socket = live.socket('/v1/stream/s', { headers: { cookie } })
    await expect.poll(() => socket.refused?.status).toBe(404)
  })

  it('[AUTH3] a wrong link signs nobody in', async () => {
    await start()
    for (const query of ['', '?token=', '?token=wrong', `?token=${TOKEN}&token=${TOKEN}`]) {
      const { status, headers } = await live.request(`/login${query}`, { headers: {} })
      expect([status, headers.location, headers['set-cookie']], query).toEqual([303, '/?login=refused', undefined])
    }
    expect(security()).toEqual(Array(4).fill('login_refused'))
  })

  it('[AUTH4] a cookie that is forged, expired or of another token is nobody', async () => {
    const clock = new ManualClock()
    await start({ clock })
    const { cookie } = await signIn()
    const [name, value = ''] = cookie.split('=')
    const [version, expiresAt, signedInAt, signature = ''] = decodeURIComponent(value).split('.')
    const forged = [
      `${version}.${Number(expiresAt) + DAY}.${signedInAt}.${signature}`,
      `${version}.${expiresAt}.${Number(signedInAt) + DAY}.${signature}`,
      `${version}.${expiresAt}.${signedInAt}.${signature.slice(0, -2)}AA`,
      `${version}.${expiresAt}.${signedInAt}.`,
      `v1.${expiresAt}.${signedInAt}.${signature}`,
      signSession(Buffer.alloc(32), { expiresAt: Number(expiresAt), signedInAt: Number(signedInAt) }),
      '',
      '...',
    ]
    for (const text of forged) expect((await me({ cookie: `${name}=${text}` })).status, text).toBe(401)
    clock.advance(30 * DAY - 1)
    expect((await me({ cookie })).status).toBe(200)
    clock.advance(1)
    expect((await me({ cookie })).status).toBe(401)
    await live[Symbol.asyncDispose]()
    await start({ operatorToken: 'another-operator-token' })
    expect((await me({ cookie })).status).toBe(401)
  })

  it('[AUTH5] with a cookie, what changes something or opens a socket must come from a page of ours', async () => {
    await start({ allowedOrigins: ['https://our.example'] })
    await live.append('s', '1')
    const { cookie } = await signIn()
    const own = `http://127.0.0.1:${live.port}`
    const foreign = ['https://evil.example', `http://127.0.0.1:${live.port + 1}`, 'null', 'https://our.example.evil']
    for (const origin of foreign) {
      const refused = await post({ cookie, origin })
      expect([refused.status, refused.json().code], origin).toEqual([403, 'FORBIDDEN'])
      const socket = live.socket('/v1/stream/s', { headers: { cookie, origin } })
      await expect.poll(() => socket.refused?.status).toBe(403)
    }
    expect(security()).toEqual(Array(2 * foreign.length).fill('origin_refused'))
    const ours: Record<string, string>[] = [{ origin: own }, { origin: 'https://our.example' }, {}]
    for (const headers of ours) {
      expect((await post({ cookie, ...headers })).status).toBe(200)
      const socket = live.socket('/v1/stream/s', { headers: { cookie, ...headers } })
      await expect.poll(() => socket.events).toEqual([1])
      socket.close()
    }
    // A token is sent by programs only, never along with somebody else's page.
    expect((await post({ authorization: `Bearer ${TOKEN}`, origin: 'https://evil.example' })).status).toBe(200)
  })

  it('[AUTH6] no token and no cookie ever stands in the log', async () => {
    await start()
    await live.append('s', '1')
    const { cookie } = await signIn()
    await live.request('/login?token=a-wrong-guess', { headers: {} })
    await live.request(`/nowhere?token=${TOKEN}`)
    await live.request(`/test/broken?token=${TOKEN}`, { headers: { cookie } })
    await live.request(`/v1/stream/s?offset=x&token=${TOKEN}`)
    const socket = live.socket(`/v1/stream/s?token=${TOKEN}`)
    await expect.poll(() => socket.events).toEqual([1])
    socket.close()
    const all = live.lines.join('')
    expect(live.lines.length).toBeGreaterThan(5)
    for (const secret of [TOKEN, 'a-wrong-guess', cookie.split('=')[1] ?? '']) expect(all).not.toContain(secret)
  })

  it('[AUTH7] /api/me says who is asking', async () => {
    await start()
    expect((await live.request('/api/me')).json<object>()).toEqual(OPERATOR)
  })

  it('[AUTH11] signing out everywhere takes every cookie away, on the nodes of every ground', async () => {
    await start()
    const [mine, others] = [await signIn(), await signIn()]
    const out = () => live.request('/logout?everywhere=true', { method: 'POST', headers: { cookie: mine.cookie } })
    expect((await out()).status).toBe(204)
    // Each goes to the next node in turn.
    const statuses = () =>
      Promise.all(Array.from({ length: 4 }, async () => (await me({ cookie: others.cookie })).status))
    await expect.poll(statuses).toEqual([401, 401, 401, 401])
    const again = await signIn()
    expect(await Promise.all([1, 2].map(async () => (await me({ cookie: again.cookie })).status))).toEqual([200, 200])
    const twice = { method: 'POST', headers: { cookie: again.cookie } }
    expect((await live.request('/logout?everywhere=true', twice)).status).toBe(204)
    await expect.poll(async () => (await me({ cookie: again.cookie })).status).toBe(401)
  })

  it('[AUTH8] signing out takes the cookie away', async () => {
    await start()
    const { cookie } = await signIn()
    const { status, headers } = await live.request('/logout', { method: 'POST', headers: { cookie } })
    expect(status).toBe(204)
    expect(headers['set-cookie']?.[0]).toMatch(/^holdfast_session=; .*Expires=Thu, 01 Jan 1970/)
  })
})
