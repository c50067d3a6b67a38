import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from '../transport/fixtures/live-server.ts'

let live: LiveServer
beforeAll(async () => {
  live = await startLiveServer()
})
afterAll(() => live[Symbol.asyncDispose]())

const authorization = `Bearer ${TOKEN}`
const post = (body: string, type = 'application/json') =>
  live.request('/test/things', { method: 'POST', headers: { authorization, 'content-type': type }, body })

describe('what a client is told when something goes wrong', () => {
  it('[ERR1] every refusal is a problem with its code, kind and request id', async () => {
    const { status, headers, json } = await live.request('/no/such/thing?x=1')
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      404,
      'application/problem+json',
      'no-store',
    ])
    expect(json()).toEqual({
      type: 'https://holdfast.dev/errors#not_found',
      title: 'There is nothing here.',
      status: 404,
      detail: 'There is nothing at GET /no/such/thing.',
      code: 'NOT_FOUND',
      kind: 'not_found',
      retry: false,
      requestId: expect.any(String),
    })
  })

  it('[ERR2] what is wrong with a request is named, field by field', async () => {
    const missing = await post('{"tags":["a",2]}')
    expect(missing.status).toBe(400)
    const { code, errors } = missing.json()
    expect([code, errors?.map(({ field }) => field).sort()]).toEqual(['INVALID_INPUT', ['name', 'tags[1]']])
    for (const body of ['{"name":', '', 'null', '[]', '"text"']) {
      const answer = await post(body)
      expect([answer.status, answer.json().code], body).toEqual([400, 'INVALID_INPUT'])
    }
  })

  it('[ERR3] a body that is too large or of an unknown kind is refused as such', async () => {
    const large = await post(JSON.stringify({ name: 'x'.repeat(1_048_576) }))
    expect([large.status, large.json().code, large.json().kind]).toEqual([413, 'TOO_LARGE', 'limit'])
    const other = await post('<name/>', 'application/xml')
    expect([other.status, other.json().code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  })

  it('[ERR4] a failure of ours says nothing of the inside, and is found in the log by its request id', async () => {
    const { status, text, json } = await live.request('/test/broken')
    expect([status, json().code, json().retry]).toEqual([500, 'INTERNAL_ERROR', true])
    expect(text).not.toMatch(/secret|passwd|at .*\.ts/)
    const logged = live.lines.map((line) => JSON.parse(line)).filter(({ reqId }) => reqId === json().requestId)
    const failure = logged.find(({ level }) => level === 50)
    expect(JSON.stringify(failure)).toContain('secret detail in /etc/passwd')
    expect(logged.find(({ msg }) => msg === 'answered')).toMatchObject({
      method: 'GET',
      path: '/test/broken',
      status: 500,
      ms: expect.any(Number),
    })
  })

  it('[ERR4] nor does one of the store', async () => {
    const { status, text, json } = await live.request('/test/broken?of=store')
    expect([status, json().code]).toEqual([500, 'INTERNAL_ERROR'])
    expect(text).not.toMatch(/secret|nowhere/)
    expect(live.lines.find((line) => line.includes(json().requestId ?? '-') && line.includes('nowhere'))).toBeDefined()
  })

  it('[ERR4] what is not available right now costs the log a line for each request, and no stack', async () => {
    await live.server.services.db.close()
    const { status, json } = await live.request('/v1/stream/s')
    expect([status, json().code]).toEqual([503, 'UNAVAILABLE'])
    const logged = live.lines.map((line) => JSON.parse(line)).filter(({ reqId }) => reqId === json().requestId)
    expect(logged.find(({ code }) => code === 'UNAVAILABLE')).toMatchObject({ level: 40 })
    expect(JSON.stringify(logged)).not.toContain('stack')
  })

  it('[ERR5] answers carry the headers that keep browsers from mischief', async () => {
    for (const path of ['/health', '/no/such/thing', '/api/me']) {
      const { headers } = await live.request(path)
      expect(headers['content-security-policy'], path).toContain("default-src 'self'")
      expect(headers['content-security-policy'], path).toContain("frame-ancestors 'none'")
      expect([headers['x-content-type-options'], headers['referrer-policy']], path).toEqual(['nosniff', 'no-referrer'])
      expect(headers['x-powered-by'], path).toBeUndefined()
    }
  })
})
