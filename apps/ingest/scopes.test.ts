import type { Problem } from '@holdfast/protocol'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GatedParser, gatedParser } from './fixtures/gate.ts'
import { routesOf } from './fixtures/routes.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'

let gate: GatedParser
let world: IngestWorld
let projectId: string
let ingestionId: string
const lines: string[] = []

beforeAll(async () => {
  gate = await gatedParser()
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) })
  world = await createIngestWorld({ ingest: { parser: gate.parser }, logger })
  await world.write({ 'a.md': '# A\n\nText.\n', 'b.md': '# B\n\nMore text.\n' })
  projectId = await world.project()
  ;({ ingestionId } = await world.ingest(projectId))
})
afterAll(() => world[Symbol.asyncDispose]())

/** A token of somebody who is not the operator. */
async function mint(scope: string[], expiresIn = 900): Promise<string> {
  const asked = { subject: 'ann', scope, expiresIn }
  return (await world.http.post<{ token: string }>('/api/auth/token', asked)).token
}

/** Who is let in, besides the operator. */
const EVERYBODY = 'everybody'
const READERS = 'whoever may read the project'
const NOBODY = 'nobody'

const attempt = 1
/** What is said of runs, with a body that could be meant. */
const RUN_BODIES: Record<string, object> = {
  '/api/runs': { name: 'nothing', input: {} },
  '/api/runs/batches': { action: 'pause', filter: { queue: ['nothing'] } },
  '/api/runs/batches/:id/undo': {},
  '/api/runs/:id/cancel': {},
  '/api/runs/:id/pause': {},
  '/api/runs/:id/resume': {},
  '/api/runs/:id/steer': { message: 'Shorter.' },
  '/api/runs/:id/approve': {},
  '/api/runs/:id/reject': {},
  '/api/runs/:id/signals': { name: 'answer', payload: 1 },
  '/api/runs/:id/priority': { priority: 1 },
  '/api/runs/:id/move': { before: 'another' },
  '/api/runs/:id/retry': {},
  '/api/runs/:id/steps/:key/decision': { decision: 'done' },
  '/api/runs/:id/heartbeat': { attempt },
  '/api/runs/:id/progress': { attempt },
  '/api/runs/:id/steps': { attempt, key: 'a', status: 'started' },
  '/api/runs/:id/log': { attempt, level: 'info', message: 'A line.' },
  '/api/runs/:id/finish': { attempt, status: 'done' },
  '/api/queue/claim': { worker: 'w', kinds: [{ name: 'nothing', version: 1 }] },
  '/api/queue/:name': { paused: false },
  '/api/queue/providers/:name': { paused: false },
  '/api/schedules': { name: 'nothing', input: {}, cron: '0 3 * * *' },
  '/api/schedules/:id': { paused: true },
}

const ROUTES: Record<string, string> = {
  'GET /login': EVERYBODY,
  'GET /health': EVERYBODY,
  'GET /health/live': EVERYBODY,
  'GET /health/ready': EVERYBODY,
  'GET /openapi.json': EVERYBODY,
  'GET /asyncapi.json': EVERYBODY,
  'GET /v1/schemas': EVERYBODY,
  'GET /v1/schemas/*': EVERYBODY,
  'GET /api/me': EVERYBODY,
  'POST /api/auth/token': EVERYBODY,
  'POST /logout': EVERYBODY,
  // Each stream is asked for by its name, in the frames.
  'GET /v1/ws': EVERYBODY,
  'POST /v1/read': EVERYBODY,
  // Tells of those that may be read.
  'GET /api/ingestions': EVERYBODY,
  'GET /api/projects/:id': READERS,
  'GET /api/projects/:id/files': READERS,
  'GET /api/projects/:id/files/:fileId': READERS,
  'GET /api/projects/:id/files/:fileId/passages': READERS,
  'GET /api/projects/:id/export/files': READERS,
  'GET /api/projects/:id/export/ingestions': READERS,
  'GET /api/projects/:id/ingestions': READERS,
  'GET /api/projects/:id/progress': READERS,
  'GET /api/projects/:id/search': READERS,
  'GET /v1/stream/*': READERS,
  'HEAD /v1/stream/*': READERS,
  'POST /api/projects/:id/ingestions': NOBODY,
  'POST /api/projects/:id/ingestions/:ingestionId/cancel': NOBODY,
  'POST /api/projects/:id/ingestions/:ingestionId/retry': NOBODY,
  'POST /api/projects/:id/retry': NOBODY,
  'POST /v1/stream/*': NOBODY,
  'PUT /v1/stream/*': NOBODY,
  'DELETE /v1/stream/*': NOBODY,
  'GET /api/projects': NOBODY,
  'POST /api/projects': NOBODY,
  'GET /api/ingest/roots': NOBODY,
  'GET /metrics': NOBODY,
  'POST /api/sessions/kick': NOBODY,
  // An ingestion is a run, which whoever may read its stream may look at.
  'GET /api/runs/:id': READERS,
  'GET /api/runs/:id/steps': READERS,
  'GET /api/runs/:id/log': READERS,
  'GET /api/runs': NOBODY,
  'GET /api/runs/count': NOBODY,
  'GET /api/runs/failures': NOBODY,
  'GET /api/runs/kinds': NOBODY,
  'GET /api/runs/batches/:id': NOBODY,
  'GET /api/queue': NOBODY,
  'GET /api/queue/:name/entries': NOBODY,
  'GET /api/schedules': NOBODY,
  'DELETE /api/schedules/:id': NOBODY,
  ...Object.fromEntries(Object.keys(RUN_BODIES).map((path) => [`POST ${path}`, NOBODY])),
}

function pathOf(pattern: string): string {
  const id = pattern.startsWith('/api/runs/:id') ? ingestionId : projectId
  const path = pattern
    .replace(':ingestionId', ingestionId)
    .replace(':id', id)
    .replace(/:(fileId|name|key)/, 'none')
  // What is not asked rightly is refused before who asks is looked at.
  if (path.includes('/export/')) return `${path}?format=csv`
  if (path.endsWith('/search')) return `${path}?q=text`
  return path.replace('/v1/stream/*', `/v1/stream/projects/${projectId}`).replace('*', 'none')
}

/** A body that whoever may ask gets past with, where it matters. */
function bodyOf(route: string): object | undefined {
  if (route.startsWith('GET') || route.startsWith('HEAD') || route.startsWith('DELETE')) return undefined
  const ofRun = RUN_BODIES[route.slice('POST '.length)]
  if (ofRun) return ofRun
  if (route === 'POST /api/projects/:id/retry') return { scope: 'file' }
  if (route.endsWith('/retry')) return { scope: 'all' }
  if (route.endsWith('/ingestions')) return { path: '/nowhere' }
  if (route === 'POST /api/projects') return { name: 'Made by somebody' }
  if (route === 'POST /api/sessions/kick') return { principal: 'nobody' }
  return {}
}

describe('What a scope lets be done', () => {
  it('[AUTH22] on every route there is: the operator all, a reader what is theirs, somebody of another project nothing', async () => {
    const [reader, other] = [await mint([`read:projects/${projectId}/*`]), await mint(['manage:projects/other/*'])]
    const all = routesOf(world.http.server.fastify).filter((route) => !/^OPTIONS|^HEAD (?!\/v1\/stream)/.test(route))
    expect(all.filter((route) => ROUTES[route] === undefined)).toEqual([])
    for (const route of all) {
      const [method = '', pattern = ''] = route.split(' ')
      const isRefused = async (token: string) => {
        const json = bodyOf(route)
        const asked = { method, token, ...(json ? { json } : {}) }
        const { status, body } = await world.http.request<Problem | null>(pathOf(pattern), asked)
        expect(status, route).not.toBe(401)
        return method === 'HEAD' ? status === 403 : body?.code === 'FORBIDDEN'
      }
      const who = ROUTES[route]
      const refused = [await isRefused(reader), await isRefused(other)]
      expect(refused, route).toEqual([who === NOBODY, who !== EVERYBODY])
      // What an app's stream is to everybody: made and written by the app alone.
      if (!/^(PUT|POST|DELETE) \/v1\/stream/.test(route)) expect(await isRefused(world.http.token), route).toBe(false)
    }
  })

  it('[P6b] access to that project is checked: on its socket, its streams, and in what frames ask for', async () => {
    const token = await mint([`read:projects/${projectId}/*`])
    const path = `/api/projects/${projectId}/progress`
    const socket = world.http.socket(path, { token })
    expect(await socket.ended).toMatchObject({ code: 4500 })
    expect(socket.messages.at(-1)).toMatchObject({ type: 'ingestion_complete' })
    const { stream } = await world.progress(projectId)
    expect((await world.http.request(`/v1/stream/${stream}`, { token })).status).toBe(200)
    for (const scope of ['read:projects/other/*', `read:projects/${projectId}x/*`, `append:projects/${projectId}/*`]) {
      const refused = world.http.socket(path, { token: await mint([scope]) })
      expect(await refused.ended, scope).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    }
    // The project, and not the streams below it.
    const page = await mint([`read:projects/${projectId}`])
    expect((await world.http.request(path, { token: page })).status).toBe(200)
    expect(await world.http.socket(path, { token: page }).ended).toMatchObject({ status: 403 })
    const refusals = lines.map((line) => JSON.parse(line)).filter(({ security }) => security === 'access_refused')
    expect(refusals.filter((line) => line.path === path && line.principal === 'ann').length).toBeGreaterThanOrEqual(4)
    for (const text of [token, page]) expect(lines.join('')).not.toContain(text)
  })

  it('[P6a] the token comes in the handshake: in the header, or in the address where a page cannot send one', async () => {
    const token = await mint([`read:projects/${projectId}/*`])
    const path = `/api/projects/${projectId}/progress`
    const socket = world.http.socket(`${path}?token=${token}`, { token: null })
    expect(await socket.ended).toMatchObject({ code: 4500 })
    for (const wrong of [`${path}?token=${token}x`, `${path}?token=${world.http.token}`, path]) {
      expect(await world.http.socket(wrong, { token: null }).ended).toMatchObject({ status: 401 })
    }
    expect(lines.join('')).not.toContain(token)
  })

  it('[P6d] `authenticate` on the open socket of a project is answered, with no gap in its events', async () => {
    const project = await world.project()
    const held = gate.hold('extract')
    await world.start(project)
    await held
    const scope = [`read:projects/${project}/*`]
    const socket = world.http.socket(`/api/projects/${project}/progress`, { token: await mint(scope) })
    const before = (await socket.received(1)).length
    const asked = { subject: 'ann', scope, expiresIn: 1_800 }
    const longer = await world.http.post<{ token: string; expiresAt: string }>('/api/auth/token', asked)
    socket.send(JSON.stringify({ type: 'authenticate', token: longer.token }))
    socket.send(JSON.stringify({ type: 'authenticate', token: 'wrong' }))
    const [answer, refusal] = (await socket.received(before + 2)).filter(({ offset }) => offset === undefined)
    expect(answer).toEqual({ type: 'authenticated', expiresAt: longer.expiresAt })
    expect(refusal).toMatchObject({ type: 'error', error: { code: 'UNAUTHENTICATED' } })
    gate.open()
    expect(await socket.ended).toMatchObject({ code: 4500 })
    const { stream } = await world.progress(project)
    const stored = await world.http.get<{ type: string }[]>(`/v1/stream/${stream}`)
    const told = socket.messages.filter(({ offset }) => offset !== undefined)
    expect(told.map(({ offset: _, ...event }) => event)).toEqual(stored)
    expect(new Set(told.map(({ offset }) => offset)).size).toBe(stored.length)
  })

  it('[P6e] the socket of a project ends with a named code: 4505 by who may not read it, 4004 by a token that expires', async () => {
    const project = await world.project()
    const held = gate.hold('extract')
    await world.start(project)
    await held
    const path = `/api/projects/${project}/progress`
    const socket = world.http.socket(path, { token: await mint([`read:projects/${project}/*`]) })
    await socket.received(1)
    socket.send(JSON.stringify({ type: 'authenticate', token: await mint(['manage:projects/other/*']) }))
    expect(await socket.ended).toEqual({ code: 4505, reason: 'that may not be read' })
    expect(socket.messages.at(-1)).toMatchObject({ type: 'error', error: { code: 'FORBIDDEN' } })
    const short = world.http.socket(path, { token: await mint([`read:projects/${project}/*`], 2) })
    expect(await short.ended).toEqual({ code: 4004, reason: 'the token has expired' })
    expect(short.messages.at(-1)).toMatchObject({ type: 'error', error: { code: 'UNAUTHENTICATED' } })
    gate.open()
  })
})
