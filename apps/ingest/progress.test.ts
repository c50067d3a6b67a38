import type { Problem } from '@holdfast/protocol'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type GatedParser, gatedParser } from './fixtures/gate.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import type { ProgressView } from './view.ts'

// The machine may be busy with other tests.
const PATIENCE = { timeout: 20_000, interval: 10 }

let gate: GatedParser
let world: IngestWorld
let projectId: string

beforeAll(async () => {
  gate = await gatedParser()
  world = await createIngestWorld({ ingest: { parser: gate.parser } })
  const pages = Array.from({ length: 12 }, (_, page) => [`page-${page}.md`, `# Page ${page}\n\nWords of it.\n`])
  await world.write(Object.fromEntries(pages))
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  gate.open()
  projectId = await world.project()
})

const path = (query = '') => `/api/projects/${projectId}/progress${query}`

/** The events as they are stored, each with the offset after it. */
async function stored(ingestionId: string) {
  const { stream } = await world.progress(projectId, ingestionId)
  const events: Record<string, unknown>[] = []
  const read = await world.http.request<Record<string, unknown>[]>(`/v1/stream/${stream}`)
  const [incarnation] = (read.headers.get('stream-next-offset') ?? '').split('_')
  for (const [index, event] of read.body.entries()) {
    events.push({ ...event, offset: `${incarnation}_${String(index + 1).padStart(16, '0')}` })
  }
  return events
}

describe('The WebSocket of a project', () => {
  it('[P8a] sends one event a message: the stored event with its offset, and nothing else', async () => {
    const { ingestionId } = await world.ingest(projectId)
    const socket = world.http.socket(path())
    await socket.ended
    expect(socket.messages).toEqual(await stored(ingestionId))
    expect(socket.messages.length).toBeGreaterThan(5)
    expect(Object.keys(socket.messages[0] ?? {})).toEqual([
      'type',
      'timestamp',
      'phase',
      'phaseName',
      'message',
      'offset',
    ])
  })

  it('[P8a] goes on from any offset with exactly the rest', async () => {
    const { ingestionId } = await world.ingest(projectId)
    const all = await stored(ingestionId)
    for (const [index, { offset }] of all.entries()) {
      const socket = world.http.socket(path(`?offset=${offset}`))
      expect(await socket.ended).toMatchObject({ code: 4500 })
      expect(socket.messages, `from ${index + 1} of ${all.length}`).toEqual(all.slice(index + 1))
    }
    const fromStart = world.http.socket(path('?offset=-1'))
    await fromStart.ended
    expect(fromStart.messages).toEqual(all)
  })

  it('[P8a] goes over from what is told to what comes, cut and resumed on the way', async () => {
    const held = gate.hold('extract')
    const { ingestionId } = await world.start(projectId)
    await held
    const first = world.http.socket(path())
    const [started] = await first.received(1)
    first.cut()
    const second = world.http.socket(path(`?offset=${started?.offset}`))
    await second.opened
    gate.open()
    expect(await second.ended).toMatchObject({ code: 4500 })
    expect([started, ...second.messages]).toEqual(await stored(ingestionId))
  })

  it('[P8c] ends with the terminal event, then close code 4500; who comes back gets the code again', async () => {
    const { last } = await world.ingest(projectId)
    expect(last.type).toBe('ingestion_complete')
    const socket = world.http.socket(path(`?offset=${last.offset}`))
    expect(await socket.ended).toEqual({ code: 4500, reason: 'completed' })
    expect(socket.messages).toEqual([])
  })

  it('[P8c] is no longer held once it has ended or its reader has gone', async () => {
    const held = gate.hold('extract')
    const { ingestionId } = await world.start(projectId)
    await held
    const { sessions } = world.http.server.services
    const before = sessions.size.sockets
    const staying = world.http.socket(path())
    const leaving = world.http.socket(path())
    await Promise.all([staying.opened, leaving.opened])
    expect(sessions.size.sockets).toBe(before + 2)
    leaving.cut()
    await expect.poll(() => sessions.size.sockets, PATIENCE).toBe(before + 1)
    gate.open()
    await world.end(projectId, ingestionId)
    await staying.ended
    await expect.poll(() => sessions.size.sockets, PATIENCE).toBe(before)
  })

  it('[P8a] refuses an offset of another project, or of none, before the upgrade', async () => {
    const { last } = await world.ingest(projectId)
    const other = await world.project()
    await world.ingest(other)
    const foreign = world.http.socket(`/api/projects/${other}/progress?offset=${last.offset}`)
    expect(await foreign.ended).toMatchObject({ status: 410, body: { code: 'OFFSET_GONE' } })
    const never = world.http.socket(path('?offset=0000000000999999_0000000000000001'))
    expect(await never.ended).toMatchObject({ status: 410, body: { code: 'OFFSET_GONE' } })
    const beyond = world.http.socket(path(`?offset=${last.offset.slice(0, 17)}0000000000009999`))
    expect(await beyond.ended).toMatchObject({ status: 410, body: { code: 'OFFSET_GONE' } })
    const nonsense = world.http.socket(path('?offset=yesterday'))
    expect(await nonsense.ended).toMatchObject({ status: 400, body: { code: 'INVALID_OFFSET' } })
  })

  it('[P8a] follows the ingestion asked for, and refuses an offset of another one', async () => {
    const first = await world.ingest(projectId)
    const second = await world.ingest(projectId)
    const of = ({ ingestionId }: { ingestionId: string }, offset = '') =>
      world.http.socket(path(`?ingestion=${ingestionId}&offset=${offset}`))
    const resumed = of(first, first.events[0]?.offset)
    await resumed.ended
    expect(resumed.messages).toEqual(first.events.slice(1))
    const refused = { status: 410, body: { code: 'OFFSET_GONE' } }
    expect(await of(first, second.events[0]?.offset).ended).toMatchObject(refused)
    expect(await of(second, first.last.offset).ended).toMatchObject(refused)
    const nobodys = path(`?ingestion=nobody&offset=${first.last.offset}`)
    expect(await world.http.socket(nobodys).ended).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })

  it('[P8a] refuses a project without an ingestion, one that is not there, and a foreign ingestion', async () => {
    expect(await world.http.socket(path()).ended).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await world.http.socket('/api/projects/nobody/progress').ended).toMatchObject({ status: 404 })
    const { ingestionId } = await world.ingest(await world.project())
    expect(await world.http.socket(path(`?ingestion=${ingestionId}`)).ended).toMatchObject({ status: 404 })
  })

  it('[P8a] stays with the ingestion that was the newest when it was opened', async () => {
    const held = gate.hold('extract')
    const first = await world.start(projectId)
    await held
    const socket = world.http.socket(path())
    await socket.opened
    const second = await world.start(projectId)
    const newest = world.http.socket(path())
    await newest.opened
    gate.open()
    await Promise.all([socket.ended, newest.ended])
    expect(socket.messages.at(-1)).toMatchObject({ result: { ingestionId: first.ingestionId } })
    expect(newest.messages.at(-1)).toMatchObject({ result: { ingestionId: second.ingestionId } })
    const older = world.http.socket(path(`?ingestion=${first.ingestionId}`))
    await older.ended
    expect(older.messages).toEqual(socket.messages)
  })

  it('[P8a] answers a message with an error and goes on', async () => {
    const held = gate.hold('extract')
    await world.start(projectId)
    await held
    const socket = world.http.socket(path('?offset=now'))
    await socket.opened
    socket.send('{"type":"hello"')
    const [answer] = await socket.received(1)
    expect(answer).toMatchObject({ type: 'error', error: { code: 'INVALID_INPUT' } })
    gate.open()
    expect(await socket.ended).toMatchObject({ code: 4500 })
  })
})

describe('The log', () => {
  it('[P8e] has every event at debug, and none above it', async () => {
    const lines: { level: number; msg: string; stream?: string; events?: string[] }[] = []
    const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
    await using own = await createIngestWorld({ logger: pino({ level: 'debug' }, stream) })
    await own.write({ 'a.md': 'A.' })
    const id = await own.project()
    const { ingestionId, events } = await own.ingest(id)
    const told = lines.filter((line) => line.stream?.endsWith(`ingestions/${ingestionId}`))
    expect(told.flatMap(({ events = [] }) => events.map((text) => JSON.parse(text)))).toEqual(
      events.map(({ offset: _, ...event }) => event),
    )
    expect(told.every(({ level }) => level === pino.levels.values.debug)).toBe(true)
  })
})

describe('GET of the progress', () => {
  it('[P5d] is idle where there was no ingestion', async () => {
    expect(await world.progress(projectId)).toMatchObject({
      ingestionId: null,
      status: 'idle',
      currentPhase: 0,
      progressPercent: 0,
      metrics: null,
      offset: null,
    })
  })

  it('[P5d] tells the state that the stream has at its offset, in the middle and at the end', async () => {
    const held = gate.hold('chunk')
    const { ingestionId } = await world.start(projectId)
    await held
    const middle = await world.progress(projectId)
    expect(middle).toMatchObject({
      ingestionId,
      status: 'working',
      currentPhase: 3,
      startedAt: expect.any(String),
      updatedAt: expect.any(String),
      completedAt: null,
      error: null,
      offset: expect.stringMatching(/^\d{16}_\d{16}$/),
    })
    expect(middle.progressPercent).toBeGreaterThanOrEqual(60)
    const socket = world.http.socket(path(`?offset=${middle.offset}`))
    gate.open()
    await socket.ended
    expect((await stored(ingestionId)).slice(-socket.messages.length)).toEqual(socket.messages)
    const done = await world.progress(projectId)
    expect(done).toMatchObject({
      status: 'done',
      currentPhase: 4,
      progressPercent: 100,
      metrics: { filesTotal: 12, filesDone: 12, secondsLeft: 0 },
      completedAt: expect.any(String),
      offset: socket.messages.at(-1)?.offset,
      result: { ingestionId },
    })
  })

  it('[P5e] shows a second ingestion as queued until the first has ended, then it runs', async () => {
    const held = gate.hold('extract')
    const first = await world.start(projectId)
    await held
    const second = await world.start(projectId)
    const third = await world.start(projectId)
    const queued = await world.progress(projectId)
    expect(queued).toMatchObject({ ingestionId: third.ingestionId, status: 'queued', currentPhase: 0, startedAt: null })
    expect(await world.progress(projectId, second.ingestionId)).toMatchObject({ status: 'queued' })
    expect(await world.progress(projectId, first.ingestionId)).toMatchObject({ status: 'working' })
    gate.open()
    const ends = await Promise.all(
      [first, second, third].map(async ({ ingestionId }) => (await world.end(projectId, ingestionId)).at(-1)),
    )
    expect(ends.map((end) => end?.type)).toEqual(['ingestion_complete', 'ingestion_complete', 'ingestion_complete'])
    const project = await world.http.get<Record<string, unknown>[]>(`/v1/stream/projects/${projectId}`)
    const ids = [first, second, third].map(({ ingestionId }) => ingestionId)
    expect(project.map(({ type, ingestionId }) => `${type} ${ids.indexOf(String(ingestionId))}`)).toEqual([
      'ingestion_queued 0',
      'ingestion_started 0',
      'ingestion_queued 1',
      'ingestion_queued 2',
      'ingestion_ended 0',
      'ingestion_started 1',
      'ingestion_ended 1',
      'ingestion_started 2',
      'ingestion_ended 2',
    ])
  })

  it('[P5f] answers an older ingestion by its id', async () => {
    const first = await world.ingest(projectId)
    const second = await world.ingest(projectId)
    const older = await world.http.get<ProgressView>(path(`?ingestion=${first.ingestionId}`))
    expect(older).toMatchObject({ ingestionId: first.ingestionId, status: 'done', offset: first.last.offset })
    expect((await world.progress(projectId)).ingestionId).toBe(second.ingestionId)
    const unknown = await world.http.request<Problem>(path('?ingestion=unknown'))
    expect(unknown).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })
})
