import { request as httpRequest } from 'node:http'
import type { Problem } from '@holdfast/protocol'
import type { RequestOptions } from '@holdfast/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'

let world: IngestWorld
let projectId: string
let foreignId: string
let ingestionId: string
let fileId: string

beforeAll(async () => {
  world = await createIngestWorld()
  await world.write({ 'a.md': '# A\n\nText.\n' })
  projectId = await world.project()
  foreignId = await world.project()
  ;({ ingestionId } = await world.ingest(projectId))
  fileId = (await world.files(projectId))['a.md']?.id ?? ''
})
afterAll(() => world[Symbol.asyncDispose]())

/** Asks, and checks that the refusal is a whole problem document. */
async function problem(path: string, options?: RequestOptions): Promise<Problem> {
  const { status, headers, body } = await world.http.request<Problem>(path, options)
  expect(headers.get('content-type'), path).toContain('application/problem+json')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(body).toMatchObject({
    type: expect.stringContaining('errors#'),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code: expect.stringMatching(/^[A-Z_]+$/),
    kind: expect.any(String),
    retry: expect.any(Boolean),
    requestId: expect.any(String),
  })
  return body
}

const json = (value: unknown): RequestOptions => ({ json: value })
const raw = (body: string, type = 'application/json'): RequestOptions => ({ body, headers: { 'content-type': type } })

describe('A refused request', () => {
  it('[ING1] names every field that is not right', async () => {
    const { code, kind, retry, errors } = await problem('/api/projects', json({ name: '' }))
    expect({ code, kind, retry }).toEqual({ code: 'INVALID_INPUT', kind: 'validation', retry: false })
    expect(errors).toEqual([{ field: 'name', message: expect.any(String) }])
    const union = await problem(`/api/projects/${projectId}/ingestions`, json({ path: '' }))
    expect(union.errors).toEqual([{ field: 'path', message: expect.any(String) }])
    const query = await problem(`/api/projects/${projectId}/search?limit=0&offset=-1`)
    expect(query.errors?.map(({ field }) => field)).toEqual(expect.arrayContaining(['q', 'limit', 'offset']))
  })

  it('[ING1] has the status and code of what is wrong, and changes nothing', async () => {
    const before = (await world.http.get<{ total: number }>('/api/projects')).total
    const ingestions = `/api/projects/${projectId}/ingestions`
    const cases: [string, RequestOptions, number, string][] = [
      ['/api/projects', json({}), 400, 'INVALID_INPUT'],
      ['/api/projects', json({ name: 'x'.repeat(201) }), 400, 'INVALID_INPUT'],
      ['/api/projects', json([1]), 400, 'INVALID_INPUT'],
      ['/api/projects', json('text'), 400, 'INVALID_INPUT'],
      ['/api/projects', raw('{"name":'), 400, 'INVALID_INPUT'],
      ['/api/projects', raw(''), 400, 'INVALID_INPUT'],
      ['/api/projects', raw('{"name":"x","__proto__":{"a":1}}'), 400, 'INVALID_INPUT'],
      ['/api/projects', raw('name=x', 'application/x-www-form-urlencoded'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
      ['/api/projects', raw('x', 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
      [ingestions, raw('x', 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
      ['/api/projects', raw(JSON.stringify({ name: 'x'.repeat(2_000_000) })), 413, 'TOO_LARGE'],
      [ingestions, json({}), 400, 'INVALID_INPUT'],
      [ingestions, json({ path: world.root, url: 'https://example.org' }), 400, 'INVALID_INPUT'],
      [ingestions, json({ path: 'relative' }), 400, 'INVALID_INPUT'],
      [ingestions, json({ path: `${world.root}/nothing` }), 404, 'NOT_FOUND'],
      [ingestions, json({ path: '/etc' }), 403, 'PATH_NOT_ALLOWED'],
      [ingestions, json({ path: `${world.root}/../data` }), 403, 'PATH_NOT_ALLOWED'],
      [ingestions, json({ url: 'ftp://example.org' }), 400, 'INVALID_INPUT'],
      [ingestions, json({ url: 'http://169.254.169.254/latest' }), 400, 'INVALID_INPUT'],
      [ingestions, json({ repository: 'not a repository' }), 400, 'INVALID_INPUT'],
      [ingestions, raw('--x--\r\n', 'multipart/form-data; boundary=x'), 400, 'INVALID_INPUT'],
      [ingestions, raw('x', 'multipart/form-data'), 400, 'INVALID_INPUT'],
      [`${ingestions}/${ingestionId}/retry`, json({ scope: 'some' }), 400, 'INVALID_INPUT'],
      [`${ingestions}/${ingestionId}/retry`, json({ scope: 'phase', phase: 5 }), 400, 'INVALID_INPUT'],
      [`${ingestions}/${ingestionId}/retry`, json({ scope: 'file' }), 400, 'INVALID_INPUT'],
    ]
    for (const [path, options, status, code] of cases) {
      const answer = await problem(path, options)
      expect({ status: answer.status, code: answer.code }, `${path} ${JSON.stringify(options).slice(0, 200)}`).toEqual({
        status,
        code,
      })
    }
    expect((await world.http.get<{ total: number }>('/api/projects')).total).toBe(before)
    expect((await world.http.get<{ total: number }>(ingestions)).total).toBe(1)
  })

  it('[ING1] says 404 of what is not there and of what belongs to another project', async () => {
    const paths = [
      ['/api/projects/nobody'],
      ['/api/projects/nobody/files'],
      ['/api/projects/nobody/search?q=a'],
      ['/api/projects/nobody/progress'],
      ['/api/projects/nobody/ingestions'],
      ['/api/projects/nobody/ingestions', json({ path: world.root })],
      [`/api/projects/${projectId}/progress?ingestion=nobody`],
      [`/api/projects/${foreignId}/progress?ingestion=${ingestionId}`],
      [`/api/projects/${foreignId}/ingestions/${ingestionId}/cancel`, json({})],
      [`/api/projects/${foreignId}/ingestions/${ingestionId}/retry`, json({ scope: 'all' })],
      [`/api/projects/${projectId}/ingestions/${ingestionId}/retry`, json({ scope: 'file', fileId: 'nobody' })],
      ['/api/nothing-here'],
    ] as [string, RequestOptions?][]
    for (const [path, options] of paths) expect((await problem(path, options)).code, path).toBe('NOT_FOUND')
    const other = await world.ingest(foreignId)
    const retry = `/api/projects/${foreignId}/ingestions/${other.ingestionId}/retry`
    expect((await problem(retry, json({ scope: 'file', fileId }))).code).toBe('NOT_FOUND')
  })

  it('[ING1] refuses cursors, offsets and parameters that are none', async () => {
    const base = `/api/projects/${projectId}`
    const bad = [
      `${base}/files?cursor=nonsense`,
      `${base}/files?cursor=${encodeURIComponent('["a"]')}`,
      `${base}/files?cursor=${encodeURIComponent('[1,2]')}`,
      `${base}/files?status=sleeping`,
      `${base}/files?limit=1000`,
      `/api/projects?cursor=${encodeURIComponent('a b')}`,
      `${base}/ingestions?cursor=${encodeURIComponent('../x')}`,
      `${base}/progress?ingestion=a&ingestion=b`,
      `${base}/search?q=${'x'.repeat(2001)}`,
      `/api/projects/${encodeURIComponent('../../etc')}`,
    ]
    for (const path of bad) expect((await problem(path)).status, path).toBe(400)
  })

  it('[ING1] tells nothing of the inside when something fails there', async () => {
    const { body, status } = await world.http.request<Problem>(`/api/projects/${'%00'}`)
    expect(status).toBe(400)
    expect(JSON.stringify(body)).not.toMatch(/\bat .*\.ts|node_modules|SQLITE/)
  })

  it('[ING1] is answered also while the rest of its body is still on the way', async () => {
    const boundary = 'cut'
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="f"; filename="../../out.md"\r\n\r\n`
    const status = await new Promise<number>((resolve, reject) => {
      const sent = httpRequest(`${world.http.url}/api/projects/${projectId}/ingestions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${world.http.token}`,
          'content-type': `multipart/form-data; boundary=${boundary}`,
        },
      })
      sent.on('response', (response) => resolve(response.statusCode ?? 0))
      sent.on('error', reject)
      // Never ended: whoever waits for the whole body would wait for ever.
      sent.write(head)
      sent.write(Buffer.alloc(100_000, 'a'))
    })
    expect(status).toBe(400)
  })
})
