import type { Problem } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { routesOf } from './fixtures/routes.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'

// What anybody may ask for; every other route has to be closed.
const PUBLIC = ['GET /login', 'GET /health', 'GET /health/live', 'GET /health/ready']

let world: IngestWorld
let projectId: string
let ingestionId: string

beforeAll(async () => {
  world = await createIngestWorld({ allowedOrigins: ['https://friend.example'] })
  await world.write({ 'a.md': '# A\n\nText.\n' })
  projectId = await world.project()
  ;({ ingestionId } = await world.ingest(projectId))
})
afterAll(() => world[Symbol.asyncDispose]())

/** A session's cookie, as a browser gets it from the operator's link. */
async function signIn(): Promise<string> {
  const { status, headers } = await world.http.request(`/login?token=${world.http.token}`, { token: null })
  expect(status).toBe(303)
  const [cookie = ''] = headers.getSetCookie()
  expect(cookie).toMatch(/HttpOnly/)
  expect(cookie).toMatch(/SameSite=Strict/)
  return cookie.split(';')[0] ?? ''
}

const progress = () => `/api/projects/${projectId}/progress`

describe('Whoever is not known', () => {
  it('[ING2] is refused on every route that is not marked public', async () => {
    const all = routesOf(world.http.server.fastify)
    const expected = ['POST /api/projects', 'GET /api/projects/:id/progress', 'GET /v1/stream/*', 'GET /api/me']
    expect(all).toEqual(expect.arrayContaining(expected))
    const open: string[] = []
    for (const route of all) {
      const [method = 'GET', pattern = '/'] = route.split(' ')
      if (method === 'HEAD' || method === 'OPTIONS') continue
      const path = pattern
        .replace(':ingestionId', ingestionId)
        .replace(':id', projectId)
        .replace('*', 'operators/projects')
      const { status, body } = await world.http.request<Problem>(path, { method, token: null })
      if (status === 401) expect(body.code).toBe('UNAUTHENTICATED')
      else open.push(route)
    }
    expect(open.filter((route) => !/^GET \/(docs|openapi)/.test(route))).toEqual(PUBLIC)
  })

  it('[ING2] is refused with a wrong token, also where a right cookie stands beside it', async () => {
    const cookie = await signIn()
    const wrong = { token: 'not-the-token', headers: { cookie } }
    expect(await world.http.request('/api/projects', wrong)).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED', kind: 'auth', retry: false },
    })
  })

  it('[ING2] is refused before a WebSocket is opened', async () => {
    const socket = world.http.socket(progress(), { token: null })
    expect(await socket.ended).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
    const forged = world.http.socket(progress(), { token: null, headers: { cookie: 'holdfast_session=v1.9.abc' } })
    expect(await forged.ended).toMatchObject({ status: 401 })
  })
})

describe('A signed-in browser', () => {
  it('[ING2] reads and acts with its cookie', async () => {
    const headers = { cookie: await signIn(), origin: world.http.url }
    expect((await world.http.request('/api/projects', { token: null, headers })).status).toBe(200)
    const made = await world.http.request('/api/projects', { token: null, headers, json: { name: 'By cookie' } })
    expect(made.status).toBe(201)
    const socket = world.http.socket(progress(), { token: null, headers })
    expect(await socket.ended).toMatchObject({ code: 4500 })
  })

  it('[ING2] is refused where the page that asks is not ours', async () => {
    const cookie = await signIn()
    const foreign = { cookie, origin: 'https://evil.example' }
    const post = await world.http.request('/api/projects', { token: null, headers: foreign, json: { name: 'x' } })
    expect(post).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    const socket = world.http.socket(progress(), { token: null, headers: foreign })
    expect(await socket.ended).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    const friend = world.http.socket(progress(), { token: null, headers: { cookie, origin: 'https://friend.example' } })
    expect(await friend.ended).toMatchObject({ code: 4500 })
  })

  it('[ING2] gets no session for a wrong token, and loses it by signing out', async () => {
    const refused = await world.http.request('/login?token=guess', { token: null })
    expect(refused.headers.getSetCookie()).toEqual([])
    const cookie = await signIn()
    const out = await world.http.request('/logout', { method: 'POST', token: null, headers: { cookie } })
    expect(out.headers.getSetCookie()[0]).toMatch(/holdfast_session=;/)
  })
})
