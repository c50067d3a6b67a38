import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { FrameSocket } from '../../transport/fixtures/frame-socket.ts'
import { type LiveServer, type Minted, startLiveServer, TOKEN } from '../../transport/fixtures/live-server.ts'

let live: LiveServer
const clock = new ManualClock()
const start = async (options?: Parameters<typeof startLiveServer>[0]) => {
  live = await startLiveServer({ clock, ...options })
  return live
}
afterEach(() => live[Symbol.asyncDispose]())

const with_ = ({ token }: Minted) => ({ authorization: `Bearer ${token}` })
const connect = async (token: Minted) => {
  const socket = new FrameSocket(live.port, { headers: with_(token) })
  await socket.until('welcome')
  return socket
}
const none = { connections: 0, sockets: 0, responses: 0 }

describe('a connection and its token', () => {
  it('[AUTH20] everything that was opened with a token ends when it expires, and nothing else', async () => {
    await start()
    await live.append('s', '1')
    const [token, longer] = [
      await live.mint({ subject: 'ann', scope: ['read:s'] }),
      await live.mint({ subject: 'ann', scope: ['read:s'], expiresIn: 1_800 }),
    ]
    const open = async (by: Minted) => ({
      shared: await connect(by),
      socket: live.socket('/v1/stream/s', { headers: with_(by) }),
      sse: await live.events('/v1/stream/s', with_(by)),
      poll: live.request('/v1/stream/s?offset=now&live=long-poll', { headers: with_(by) }),
    })
    // They wait 30 seconds, which is not what this is about.
    clock.advance(880_000)
    const [ends, stays] = [await open(token), await open(longer)]
    await expect.poll(() => live.all.size).toEqual({ connections: 2, sockets: 2, responses: 4 })
    clock.advance(20_000 - 1)
    expect(live.all.size).toEqual({ connections: 2, sockets: 2, responses: 4 })
    clock.advance(1)
    const expired = { type: 'error', error: { code: 'UNAUTHENTICATED', detail: 'That token has expired.' } }
    for (const { socket, frame } of [
      { socket: ends.shared, frame: () => ends.shared.frames.at(-1) },
      { socket: ends.socket, frame: () => ends.socket.frames.at(-1) },
    ]) {
      await expect.poll(() => socket.closed).toEqual({ code: 4004, reason: 'the token has expired' })
      expect(frame()).toMatchObject(expired)
    }
    await expect.poll(() => ends.sse.ended).toBe(true)
    expect(ends.sse.writes.join('')).toMatch(/event: error\ndata: \{.*"code":"UNAUTHENTICATED"/)
    expect((await ends.poll).status).toBe(401)
    await expect.poll(() => live.all.size).toEqual({ connections: 1, sockets: 1, responses: 2 })
    await live.append('s', '2')
    await expect
      .poll(() => [stays.socket.events, stays.sse.events])
      .toEqual([
        [1, 2],
        [1, 2],
      ])
    expect((await stays.poll).text).toBe('[2]')
    stays.sse.close()
    stays.socket.close()
    stays.shared.cut()
    await expect.poll(() => live.all.size).toEqual(none)
    // The timer of those that are gone is gone with them.
    const before = clock.pending
    clock.advance(1_000_000)
    expect(clock.pending).toBeLessThanOrEqual(before)
  })

  it('[P6e] a token that expires closes the connection with 4004, after an error frame', async () => {
    await start()
    const token = await live.mint({ subject: 'ann', scope: ['read:s'], expiresIn: 20 })
    const socket = await connect(token)
    const [welcome] = await socket.until('welcome')
    expect(welcome).toMatchObject({ principal: 'ann', scope: ['read:s'], expiresAt: token.expiresAt })
    clock.advance(20_000)
    const [error] = await socket.until('error')
    expect([error?.stream, error?.error.code]).toEqual([undefined, 'UNAUTHENTICATED'])
    await expect.poll(() => socket.closed).toEqual({ code: 4004, reason: 'the token has expired' })
    const late = new FrameSocket(live.port, { headers: with_(token) })
    await late.opened
    expect(late.refused).toEqual({ status: 401, code: 'UNAUTHENTICATED' })
  })

  it('[P6d] renewed in time it goes on with no gap, as often as it is renewed, and ends with the last', async () => {
    await start()
    await live.append('s', '0')
    let token = await live.mint({ subject: 'ann', scope: ['read:s'], expiresIn: 12 })
    const socket = await connect(token)
    const own = live.socket('/v1/stream/s', { headers: with_(token) })
    socket.send({ type: 'subscribe', stream: 's' })
    await socket.until('up_to_date')
    await expect.poll(() => own.events).toEqual([0])
    const told: string[] = []
    own.socket.on('message', (text) => {
      const frame = JSON.parse(String(text))
      if (frame.type === 'authenticated') told.push(frame.expiresAt)
    })
    for (const round of [1, 2, 3]) {
      clock.advance(10_000)
      token = await live.mint({ expiresIn: 12 }, with_(token))
      await live.append('s', `${2 * round - 1}`)
      socket.send({ type: 'authenticate', token: token.token, ref: round })
      own.socket.send(JSON.stringify({ type: 'authenticate', token: token.token }))
      await live.append('s', `${2 * round}`)
      const answers = await socket.until('authenticated', round)
      expect(answers.at(-1)).toEqual({ type: 'authenticated', ref: round, expiresAt: token.expiresAt })
      await expect.poll(() => told.at(-1)).toBe(token.expiresAt)
      const all = Array.from({ length: 2 * round + 1 }, (_, n) => n)
      await expect.poll(() => [socket.events('s'), own.events]).toEqual([all, all])
      expect([socket.gaps, socket.closed, own.closed]).toEqual([0, null, null])
    }
    clock.advance(11_999)
    socket.send({ type: 'ping' })
    await socket.until('pong')
    clock.advance(1)
    await expect.poll(() => [socket.closed?.code, own.closed?.code]).toEqual([4004, 4004])
  })

  it("[P6d] a token that does not hold changes nothing; signed in with the operator's it never expires", async () => {
    await start()
    const token = await live.mint({ subject: 'ann', scope: ['read:s'], expiresIn: 20 })
    const old = await live.mint({ subject: 'ann', scope: ['read:s'], expiresIn: 1 })
    const [stays, ends] = [await connect(token), await connect(token)]
    clock.advance(1_000)
    for (const [index, wrong] of ['', 'wrong', old.token, `${token.token}x`].entries()) {
      ends.send({ type: 'authenticate', token: wrong, ref: index })
      const error = (await ends.until('error', index + 1)).at(-1)
      expect([error?.ref, error?.error.code]).toEqual([index, 'UNAUTHENTICATED'])
    }
    const refused = live.lines.map((line) => JSON.parse(line)).filter(({ security }) => security === 'token_refused')
    expect(refused.map(({ reason }) => reason)).toEqual(['not_ours', 'not_ours', 'expired', 'not_ours'])
    stays.send({ type: 'authenticate', token: TOKEN })
    expect(await stays.until('authenticated')).toEqual([{ type: 'authenticated', expiresAt: null }])
    clock.advance(19_000)
    await expect.poll(() => ends.closed?.code).toBe(4004)
    stays.send({ type: 'ping' })
    await stays.until('pong')
    expect(stays.closed).toBeNull()
    stays.cut()
  })

  it('[AUTH21] what is sent after `authenticate` is judged by who that makes of the connection', async () => {
    await start()
    await live.append('s', '0')
    const reader = await live.mint({ subject: 'ann', scope: ['read:s'] })
    const writer = await live.mint({ subject: 'bob', scope: ['append:s'] })
    const socket = await connect(reader)
    socket.send({ type: 'append', ref: 1, stream: 's', events: [1] })
    socket.send({ type: 'authenticate', token: writer.token })
    socket.send({ type: 'append', ref: 2, stream: 's', events: [2] })
    socket.send({ type: 'subscribe', stream: 's' })
    socket.send({ type: 'authenticate', token: reader.token })
    socket.send({ type: 'append', ref: 3, stream: 's', events: [3] })
    await socket.until('error', 3)
    await socket.until('appended')
    const told = socket.frames.flatMap((frame) => ('ref' in frame ? [[frame.ref, frame.type]] : []))
    expect(told.sort()).toEqual([
      [1, 'error'],
      [2, 'appended'],
      [3, 'error'],
    ])
    expect(socket.types('s').filter((type) => type === 'subscribed')).toEqual([])
    expect((await live.request('/v1/stream/s')).text).toBe('[0,2]')
    socket.cut()
  })

  it("[AUTH21] on a stream's own URL somebody who may not read it is shown out", async () => {
    await start()
    await live.append('s', '1')
    const other = await live.mint({ subject: 'bob', scope: ['read:t', 'append:s'] })
    const socket = live.socket('/v1/stream/s')
    await expect.poll(() => socket.events).toEqual([1])
    socket.socket.send(JSON.stringify({ type: 'authenticate' }))
    socket.socket.send(JSON.stringify({ type: 'ping' }))
    await expect.poll(() => socket.types.filter((type) => type === 'error').length).toBe(2)
    socket.socket.send(JSON.stringify({ type: 'authenticate', token: other.token }))
    await expect.poll(() => socket.closed).toEqual({ code: 4505, reason: 'that may not be read' })
    expect(socket.frames.at(-1)).toMatchObject({ type: 'error', error: { code: 'FORBIDDEN' } })
    await expect.poll(() => live.all.size).toEqual(none)
  })

  it('[AUTH19] signing out everywhere ends what was opened with tokens from before, with 4504', async () => {
    await start()
    await live.append('s', '1')
    const ann = await live.mint({ subject: 'ann', scope: ['read:*'] })
    const bob = await live.mint({ subject: 'bob', scope: ['read:*'] })
    const [shared, stays] = [await connect(ann), await connect(bob)]
    const socket = live.socket('/v1/stream/s', { headers: with_(ann) })
    await expect.poll(() => socket.events).toEqual([1])
    await live.request('/logout?everywhere=true', { method: 'POST', headers: with_(ann) })
    await expect.poll(() => [shared.closed?.code, socket.closed?.code]).toEqual([4504, 4504])
    stays.send({ type: 'ping' })
    await stays.until('pong')
    const kick = (body: object) =>
      live.request('/api/sessions/kick', {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    await kick({ principal: 'bob' })
    await expect.poll(() => stays.closed?.code).toBe(4003)
    const back = await connect(bob)
    await kick({ principal: 'bob', revoke: true })
    await expect.poll(() => back.closed?.code).toBe(4504)
  })
})

describe('a token in the address', () => {
  it('[P6a] opens WebSockets and streams for browsers, which can send no header there', async () => {
    await start()
    await live.append('s', '1')
    const { token } = await live.mint({ subject: 'ann', scope: ['read:s'] })
    const query = `?token=${token}`
    const socket = live.socket(`/v1/stream/s${query}`, { headers: {} })
    await expect.poll(() => socket.events).toEqual([1])
    const shared = live.socket(`/v1/ws${query}`, { headers: {} })
    await expect.poll(() => shared.frames[0]).toMatchObject({ type: 'welcome', principal: 'ann' })
    const page = await live.request(`/v1/stream/s${query}`, { headers: {} })
    expect([page.status, page.text]).toEqual([200, '[1]'])
    const sse = await live.events(`/v1/stream/s${query}`, { authorization: '' })
    await expect.poll(() => sse.events).toEqual([1])
    for (const one of [socket, shared, sse]) one.close()
  })

  it("[AUTH23] counts nowhere else, is no operator's token, and goes before a cookie", async () => {
    await start()
    await live.append('s', '1')
    const { headers } = await live.request(`/login?token=${TOKEN}`, { headers: {} })
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    const { token } = await live.mint({ subject: 'ann', scope: ['read:t'] })
    const status = async (path: string, more: object = {}) =>
      (await live.request(path, { headers: {}, ...more })).status
    expect(await status(`/api/me?token=${token}`)).toBe(401)
    expect(await status(`/v1/stream/t?token=${token}`, { method: 'PUT' })).toBe(401)
    expect(await status(`/v1/stream/s?token=${TOKEN}`)).toBe(401)
    expect(await status('/v1/stream/s?token=', { headers: { cookie } })).toBe(401)
    expect(await status(`/v1/stream/s?token=${token}&token=${token}`, { headers: { cookie } })).toBe(401)
    // A tab that was given a token for reading does not read, or write, with somebody else's cookie.
    expect(await status(`/v1/stream/s?token=${token}`, { headers: { cookie } })).toBe(403)
    expect(await status('/v1/stream/s', { headers: { cookie, authorization: `Bearer ${token}` } })).toBe(403)
    expect(await status('/v1/stream/s', { headers: { cookie } })).toBe(200)
    const socket = live.socket(`/v1/stream/s?token=${TOKEN}`, { headers: { cookie } })
    await expect.poll(() => socket.refused?.status).toBe(401)
  })

  it('[AUTH6] stands in no log, whatever becomes of the request', async () => {
    await start()
    await live.append('s', '1')
    const { token } = await live.mint({ subject: 'ann', scope: ['read:s'] })
    const wrong = `${token.slice(0, -4)}AAAA`
    const paths = ['/v1/stream/s?offset=x&', '/v1/stream/s?', '/v1/stream/none?', '/nowhere?', '/test/broken?']
    for (const path of paths) {
      for (const text of [token, wrong]) {
        await live.request(`${path}token=${text}`, { headers: {} })
        const socket = live.socket(`${path}token=${text}`, { headers: {} })
        await expect.poll(() => socket.refused ?? socket.closed ?? socket.frames[0], { message: path }).toBeDefined()
        socket.close()
      }
    }
    await live.request('/api/me', { headers: { authorization: `Bearer ${wrong}` } })
    const all = live.lines.join('')
    expect(live.lines.length).toBeGreaterThan(15)
    for (const text of [token, wrong, token.split('.')[1], token.split('.')[2]]) expect(all).not.toContain(text)
  })
})

describe('what is refused', () => {
  it('[P6c] is logged as a security event: who, what, from where and why', async () => {
    await start()
    await live.append('s', '1')
    const token = await live.mint({ subject: 'ann', scope: ['read:s'] })
    const socket = await connect(token)
    socket.send({ type: 'subscribe', stream: 't' })
    socket.send({ type: 'append', ref: 1, stream: 's', events: [2] })
    await socket.until('error', 2)
    const [nobody, other] = [
      live.socket('/v1/ws', { headers: {} }),
      live.socket('/v1/stream/t', { headers: with_(token) }),
    ]
    await expect.poll(() => [nobody.refused?.status, other.refused?.status]).toEqual([401, 403])
    expect((await live.request('/v1/stream/s', { method: 'DELETE', headers: with_(token) })).status).toBe(403)
    expect((await live.request('/metrics', { headers: with_(token) })).status).toBe(403)
    const events = live.lines.map((line) => JSON.parse(line)).filter(({ security }) => /refused/.test(security))
    const ip = expect.stringMatching(/127\.0\.0\.1$/)
    const refused = { security: 'access_refused', principal: 'ann', level: 40 }
    const http = (method: string, path: string) => expect.objectContaining({ ...refused, method, path, ip })
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...refused, action: 'read', stream: 't', address: ip }),
        expect.objectContaining({ ...refused, action: 'append', stream: 's', address: ip }),
        expect.objectContaining({ security: 'handshake_refused', reason: 'no_token', ip }),
        http('GET', '/v1/stream/t'),
        http('DELETE', '/v1/stream/s'),
        http('GET', '/metrics'),
      ]),
    )
    expect(events).toHaveLength(6)
    socket.cut()
  })
})
