import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from '../transport/fixtures/live-server.ts'

let live: LiveServer
beforeAll(async () => {
  live = await startLiveServer()
})
afterAll(() => live[Symbol.asyncDispose]())

/** Sends bytes as they are and answers everything that came until the server hung up. */
function exchange(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    const socket = connect({ port: live.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.setEncoding('latin1').on('data', (text) => {
      got += text
    })
    // What was read to the end and what was cut off end alike here.
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(got))
    socket.write(bytes)
  })
}

const AUTHORIZATION = `authorization: Bearer ${TOKEN}`
const KEY = 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='
const get = (path: string, ...headers: string[]) =>
  `${[`GET ${path} HTTP/1.1`, 'host: x', ...headers].join('\r\n')}\r\n\r\n`
const upgrade = (path: string, ...headers: string[]) =>
  get(path, 'connection: upgrade', 'upgrade: websocket', ...headers)

describe('what cannot be answered by a route', () => {
  it('[FUZZ1] an upgrade whose handshake is not right is refused with a problem that names the version', async () => {
    for (const headers of [
      [AUTHORIZATION],
      [AUTHORIZATION, KEY, 'sec-websocket-version: 9'],
      [AUTHORIZATION, 'sec-websocket-key: x', 'sec-websocket-version: 13'],
    ]) {
      const answer = await exchange(upgrade('/v1/ws', ...headers))
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*\r\n/)
      expect(answer).toContain('content-type: application/problem+json')
      expect(answer).toContain('sec-websocket-version: 13')
      expect(answer).toContain('"code":"INVALID_INPUT"')
    }
  })

  it('[FUZZ1] an upgrade to a path that cannot be read lets go of its connection', async () => {
    const answer = await exchange(upgrade('/v1/stream/%ff', KEY, 'sec-websocket-version: 13'))
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"code":"INVALID_INPUT"')
  })

  it('[FUZZ1] an upgrade where no WebSocket is to be had is refused with a problem, to whoever is known', async () => {
    for (const [headers, status, code] of [
      [[AUTHORIZATION], 400, 'INVALID_INPUT'],
      [[], 401, 'UNAUTHENTICATED'],
    ] as const) {
      const answer = await exchange(upgrade('/api/me', KEY, 'sec-websocket-version: 13', ...headers))
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(answer).toContain(`"code":"${code}"`)
    }
    await expect.poll(() => live.all.connections()).toBe(0)
  })

  it('[FUZZ1] so does an upgrade sent before an earlier request was answered', async () => {
    const both = get('/v1/stream/nothing', AUTHORIZATION) + upgrade('/v1/ws', KEY, 'sec-websocket-version: 13')
    expect(await exchange(both)).not.toContain('101')
    await expect.poll(() => live.all.connections()).toBe(0)
  })

  it('[HTTP30] an offer to go over to anything but a WebSocket is passed over, and the request answered', async () => {
    const offer = [
      'connection: upgrade, http2-settings, close',
      'upgrade: h2c',
      'http2-settings: AAMAAABk',
      AUTHORIZATION,
    ]
    expect(await exchange(get('/api/me', ...offer))).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    const put = ['PUT /v1/stream/offered HTTP/1.1', 'host: x', ...offer, 'content-length: 2', '', 'hi'].join('\r\n')
    expect(await exchange(put)).toMatch(/^HTTP\/1\.1 201 /)
  })

  it('[FUZZ1] bytes that are no HTTP, and a head that is too large, are refused with a problem', async () => {
    const garbage = await exchange('what is this\r\n\r\n')
    expect(garbage).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(garbage).toContain('"code":"INVALID_INPUT"')
    const large = await exchange(get('/', `x: ${'y'.repeat(40_000)}`))
    expect(large).toMatch(/^HTTP\/1\.1 413 /)
    expect(large).toContain('"code":"TOO_LARGE"')
  })

  it('[FUZZ1] a path that cannot be read is a problem too, and other requests follow it', async () => {
    const answer = await live.request('/v1/stream/%E0%A4%A')
    expect([answer.status, answer.json().code]).toEqual([400, 'INVALID_INPUT'])
    expect(answer.headers['content-type']).toContain('application/problem+json')
  })
})
