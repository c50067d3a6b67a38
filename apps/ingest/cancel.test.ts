import type { Problem } from '@holdfast/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type GatedParser, gatedParser } from './fixtures/gate.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'

let gate: GatedParser
let world: IngestWorld
let projectId: string

beforeAll(async () => {
  gate = await gatedParser()
  world = await createIngestWorld({ ingest: { parser: gate.parser } })
  const pages = Array.from({ length: 30 }, (_, page) => [`page-${page}.md`, `# Page ${page}\n\nSalty words of it.\n`])
  await world.write(Object.fromEntries(pages))
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  gate.open()
  gate.forget()
  projectId = await world.project()
})

const cancel = (ingestionId: string) =>
  world.http.request<Problem>(`/api/projects/${projectId}/ingestions/${ingestionId}/cancel`, { method: 'POST' })

describe('Cancelling', () => {
  for (const [phase, kind] of [
    [1, 'probe'],
    [2, 'extract'],
    [3, 'chunk'],
  ] as const) {
    it(`[P9g] in phase ${phase} ends it with the error CANCELLED, told last, and stops its work`, async () => {
      const held = gate.hold(kind)
      const { ingestionId } = await world.start(projectId)
      await held
      const answer = await cancel(ingestionId)
      expect(answer).toMatchObject({ status: 202, body: { ingestionId, cancelRequested: true } })
      const events = await world.end(projectId, ingestionId)
      const calls = gate.calls.length
      expect(gate.active).toBe(0)
      expect(events.at(-1)).toMatchObject({
        type: 'error',
        phase,
        errorCode: 'CANCELLED',
        recoverable: true,
        retryOptions: { scopes: ['all'] },
      })
      expect(events.filter(({ type }) => type === 'error')).toHaveLength(1)
      gate.open()
      // Another ingestion from start to end is time enough for work that was left behind to show.
      const other = await world.project()
      await world.ingest(other)
      const own = new Set(Object.keys(await world.files(other)))
      expect(gate.calls.length - calls).toBe(own.size * 3)
      expect((await world.progress(projectId)).offset).toBe(events.at(-1)?.offset)
    })
  }

  it('[P9g] says of itself what it is: status, error and how far it had come', async () => {
    const held = gate.hold('chunk')
    const { ingestionId } = await world.start(projectId)
    await held
    const before = await world.progress(projectId)
    await cancel(ingestionId)
    await world.end(projectId, ingestionId)
    const after = await world.progress(projectId)
    expect(after).toMatchObject({
      status: 'cancelled',
      currentPhase: 3,
      error: { phase: 3, errorCode: 'CANCELLED' },
      result: null,
      completedAt: expect.any(String),
    })
    expect(after.progressPercent).toBeGreaterThanOrEqual(before.progressPercent)
    const list = await world.http.get<{ items: unknown[] }>(`/api/projects/${projectId}/ingestions`)
    const { ingestionId: id, status, progressPercent, error } = after
    expect(list.items).toMatchObject([{ ingestionId: id, status, progressPercent, error }])
  })

  it('[P9g] while it is queued ends it at once, and the one before it goes on', async () => {
    const held = gate.hold('extract')
    const first = await world.start(projectId)
    await held
    const second = await world.start(projectId)
    expect((await cancel(second.ingestionId)).status).toBe(202)
    const events = await world.end(projectId, second.ingestionId)
    expect(events).toMatchObject([{ type: 'error', phase: 1, errorCode: 'CANCELLED' }])
    expect(await world.progress(projectId, first.ingestionId)).toMatchObject({ status: 'working' })
    gate.open()
    expect((await world.end(projectId, first.ingestionId)).at(-1)?.type).toBe('ingestion_complete')
  })

  it('[P9g] lets the next in the queue begin', async () => {
    const held = gate.hold('extract')
    const first = await world.start(projectId)
    await held
    const second = await world.start(projectId)
    await cancel(first.ingestionId)
    gate.open()
    expect((await world.end(projectId, second.ingestionId)).at(-1)?.type).toBe('ingestion_complete')
  })

  it('[P9g] twice is one cancel, and after the end it is refused', async () => {
    const held = gate.hold('extract')
    const { ingestionId } = await world.start(projectId)
    await held
    const answers = await Promise.all([cancel(ingestionId), cancel(ingestionId)])
    // The second may find it ended already.
    expect(answers.map(({ status }) => status).sort()[0]).toBe(202)
    const events = await world.end(projectId, ingestionId)
    expect(events.filter(({ type }) => type === 'error')).toHaveLength(1)
    expect(await cancel(ingestionId)).toMatchObject({
      status: 409,
      body: { code: 'ALREADY_ENDED', kind: 'conflict', retry: false },
    })
    gate.open()
    const done = await world.ingest(projectId)
    expect(await cancel(done.ingestionId)).toMatchObject({ status: 409, body: { code: 'ALREADY_ENDED' } })
    expect(await world.progress(projectId)).toMatchObject({ status: 'done' })
  })

  it('[P9g] leaves rows that the next full ingestion takes up: nothing is missing, nothing is doubled', async () => {
    const held = gate.hold('chunk')
    const { ingestionId } = await world.start(projectId)
    await held
    await cancel(ingestionId)
    await world.end(projectId, ingestionId)
    gate.open()
    const { last } = await world.ingest(projectId)
    expect(last).toMatchObject({ result: { files: { total: 30, done: 30, failed: 0, skipped: 0 }, chunks: 30 } })
    expect(await world.search(projectId, 'salty')).toHaveLength(20)
    const sizes = await world.http.db.read({
      sql: 'SELECT COUNT(*) AS n FROM chunks WHERE project_id = ?',
      params: [projectId],
    })
    expect(sizes).toEqual([{ n: 30 }])
  })
})
