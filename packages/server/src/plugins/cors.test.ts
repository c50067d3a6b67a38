import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from '../transport/fixtures/live-server.ts'

let live: LiveServer
beforeEach(async () => {
  live = await startLiveServer({ allowedOrigins: ['https://our.example'] })
  await live.append('s', '1')
})
afterEach(() => live[Symbol.asyncDispose]())

const authorization = `Bearer ${TOKEN}`
const FOREIGN = 'https://foreign.example'

/** Asks with a method of any name; the head of the answer. */
const raw = (method: string, path: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(live.port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part
    })
    socket.once('error', reject).once('close', () => resolve(text))
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`,
    )
  })

describe('pages of other origins', () => {
  it('[HTTP23] may ask with a token, and are told so before they do, without being somebody', async () => {
    const preflight = await live.request('/v1/stream/s', {
      method: 'OPTIONS',
      headers: { origin: FOREIGN, 'access-control-request-method': 'POST' },
    })
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, '*'])
    expect(preflight.headers['access-control-allow-credentials']).toBe(undefined)
    expect(preflight.headers['access-control-allow-methods']?.split(', ').sort()).toEqual([
      'DELETE',
      'GET',
      'HEAD',
      'OPTIONS',
      'POST',
      'PUT',
    ])
    const allowed = preflight.headers['access-control-allow-headers'] ?? ''
    for (const name of ['authorization', 'if-none-match', 'last-event-id', 'producer-seq', 'stream-closed']) {
      expect(allowed.split(', '), name).toContain(name)
    }
    const read = await live.request('/v1/stream/s', { headers: { authorization, origin: FOREIGN } })
    expect([read.status, read.text, read.headers['access-control-allow-origin']]).toEqual([200, '[1]', '*'])
    const exposed = read.headers['access-control-expose-headers'] ?? ''
    for (const name of ['etag', 'stream-next-offset', 'stream-sse-data-encoding', 'producer-expected-seq']) {
      expect(exposed.split(', '), name).toContain(name)
    }
    // A refusal can be read too: otherwise a page cannot tell it from a network that is down.
    const refused = await live.request('/v1/stream/s', { headers: { origin: FOREIGN } })
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, '*'])
  })

  it('[HTTP23] may ask with a cookie only where they are ours', async () => {
    const login = await live.request(`/login?token=${TOKEN}`, { headers: {} })
    const cookie = login.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    const answered = async (origin: string) => {
      const { status, headers } = await live.request('/v1/stream/s', { headers: { cookie, origin } })
      const names = ['access-control-allow-origin', 'access-control-allow-credentials'] as const
      return [status, ...names.map((name) => headers[name]), headers.vary?.includes('Origin')]
    }
    const own = `http://127.0.0.1:${live.port}`
    expect(await answered('https://our.example')).toEqual([200, 'https://our.example', 'true', true])
    expect(await answered(own)).toEqual([200, own, 'true', true])
    // Nor is what a cookie opens for a page that embeds it, such as one of another port of this machine.
    const embedded = async (headers: Record<string, string>) =>
      (await live.request('/v1/stream/s', { headers })).headers['cross-origin-resource-policy']
    expect(await embedded({ cookie })).toBe('same-origin')
    expect(await embedded({ cookie, authorization: 'Basic b3A6c2VjcmV0' })).toBe('same-origin')
    expect(await embedded({ cookie, authorization })).toBe('cross-origin')
    // The browser keeps an answer marked * from a page that asked with credentials.
    expect(await answered(FOREIGN)).toEqual([200, '*', undefined, true])
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const changed = await live.request('/v1/stream/s', { method, headers: { cookie, origin: FOREIGN } })
      expect([method, changed.status]).toEqual([method, 403])
    }
  })
})

describe('what a stream cannot do, and what its content may not', () => {
  it('[HTTP22] other methods are refused with those there are', async () => {
    for (const method of ['PATCH', 'PROPFIND', 'TRACE']) {
      const answer = await raw(method, '/v1/stream/s')
      expect(answer, method).toMatch(/^HTTP\/1.1 405 /)
      expect(answer.toLowerCase(), method).toContain('\r\nallow: get, head, post, put, delete, options\r\n')
      expect(answer, method).toContain('METHOD_NOT_ALLOWED')
    }
    const asked = await live.request('/v1/stream/s', { method: 'OPTIONS', headers: {} })
    expect([asked.status, asked.headers.allow]).toEqual([204, 'GET, HEAD, POST, PUT, DELETE, OPTIONS'])
    for (const path of ['/v1/nothing', '/v1/stream']) expect((await live.request(path)).status, path).toBe(404)
  })

  it('[HTTP22] no answer runs as a page of ours, whatever its type', async () => {
    const script = '<script>fetch("/api/me")</script>'
    const made = await live.request('/v1/stream/page', {
      method: 'PUT',
      headers: { authorization, 'content-type': 'text/html' },
      body: script,
    })
    const sse = await live.events('/v1/stream/s')
    sse.close()
    const answers = [
      made,
      await live.request('/v1/stream/page'),
      await live.request('/v1/stream/page', { method: 'HEAD' }),
      await live.request('/v1/stream/none'),
      await live.request('/v1/stream/page', { headers: {} }),
      await live.request('/v1/stream/page', { method: 'PATCH' }),
      { status: sse.response.statusCode, headers: sse.response.headers },
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 404, 401, 405, 200])
    for (const { status, headers } of answers) {
      expect(headers['x-content-type-options'], String(status)).toBe('nosniff')
      expect(headers['cross-origin-resource-policy'], String(status)).toBe('cross-origin')
      expect(headers['content-security-policy'], String(status)).toMatch(/^sandbox; default-src 'none'/)
    }
  })

  it('[HTTP22] however its address is written', async () => {
    for (const path of ['/v1/%73tream/s', '/%761/stream/s', `http://127.0.0.1:${live.port}/v1/stream/s`]) {
      const answer = await raw('GET', path)
      expect(answer, path).toMatch(/^HTTP\/1.1 200 /)
      expect(answer, path).toContain("content-security-policy: sandbox; default-src 'none'")
    }
  })
})
