import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer } from '../transport/fixtures/live-server.ts'

interface Operation {
  summary?: string
  tags?: string[]
  responses: Record<string, unknown>
  requestBody?: unknown
  parameters?: { name: string; in: string }[]
}

interface Document {
  openapi: string
  info: { title: string; version: string; description: string }
  paths: Record<string, Record<string, Operation>>
  components: { securitySchemes: object; schemas: object }
  security: object[]
}

let live: LiveServer
let document: Document
beforeAll(async () => {
  live = await startLiveServer()
  document = (await live.request('/openapi.json')).json<Document>()
})
afterAll(() => live[Symbol.asyncDispose]())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  )

describe('/openapi.json', () => {
  it('[API1] is OpenAPI 3.1 with a title, a version and the two ways to say who one is', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toMatchObject({ title: 'Holdfast', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(document.info.description).toContain('/asyncapi.json')
    expect(Object.keys(document.components.securitySchemes)).toEqual(['bearer', 'session'])
    expect(document.security).toEqual([{ bearer: [] }, { session: [] }])
  })

  it('[API2] lists every operation that is not hidden, the apps’ own included', () => {
    // Hidden are health, signing in and out, and the document itself.
    const listed = operations().map(({ name }) => name)
    const ofStreams = ['delete', 'get', 'options', 'post', 'put'].map((method) => `${method} /v1/stream/{name}`)
    const ours = [
      'get /api/me',
      'post /api/sessions/kick',
      'get /metrics',
      'get /v1/ws',
      'post /api/auth/token',
      'options /v1/read',
      'post /v1/read',
    ]
    const commands = ['cancel', 'pause', 'resume', 'steer', 'approve', 'reject', 'signals', 'priority', 'move', 'retry']
    const reports = ['heartbeat', 'progress', 'steps', 'log', 'finish']
    const ofRuns = [
      'get /api/runs',
      'post /api/runs',
      ...['count', 'kinds', 'failures', '{id}', '{id}/steps', '{id}/log', 'batches/{id}'].map(
        (path) => `get /api/runs/${path}`,
      ),
      ...[...commands, ...reports, 'steps/{key}/decision'].map((path) => `post /api/runs/{id}/${path}`),
      ...['batches', 'batches/{id}/undo'].map((path) => `post /api/runs/${path}`),
      ...['', '/{name}/entries'].map((path) => `get /api/queue${path}`),
      ...['claim', '{name}', 'providers/{name}'].map((path) => `post /api/queue/${path}`),
      ...['get /api/schedules', 'post /api/schedules', 'post /api/schedules/{id}', 'delete /api/schedules/{id}'],
    ]
    const others = [...ours, 'get /test/broken', 'post /test/things']
    expect(listed.sort()).toEqual([...others, ...ofStreams, ...ofRuns].sort())
  })

  it('[API3] every operation has a summary, a tag and the problem it can end in', () => {
    for (const { name, operation } of operations()) {
      expect(operation.summary, name).toMatch(/^[A-Z].{3,}/)
      expect(operation.tags, name).toHaveLength(1)
      expect(operation.responses.default, name).toMatchObject({
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      })
    }
    expect(document.paths['/test/things']?.post?.requestBody).toMatchObject({
      content: { 'application/json': { schema: { type: 'object', required: ['name'] } } },
    })
    expect(document.paths['/v1/stream/{name}']?.get?.parameters).toEqual([
      expect.objectContaining({ name: 'name', in: 'path' }),
    ])
  })
})
