import { randomUUID } from 'node:crypto'
import { StreamClient, type WebSocketLike } from '@holdfast/client'
import { systemClock } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { IngestionFollower } from './client.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import type { AcceptedView, ProgressView, ProjectView } from './view.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }

let world: IngestWorld
let client: StreamClient
const sockets: WebSocket[] = []

beforeAll(async () => {
  world = await createIngestWorld()
  const notes = Array.from({ length: 40 }, (_, n) => [`${n}.md`, `# Note ${n}\n\nKelp holds fast.\n`])
  await world.write(Object.fromEntries(notes))
  const { url: baseUrl, token } = world.http
  const authorization = `Bearer ${token}`
  client = new StreamClient({
    baseUrl,
    clock: systemClock,
    random: Math.random,
    id: randomUUID,
    // A connection each, so that where there are several nodes each request may go to another.
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers, authorization, connection: 'close' } }),
    openSocket: (url) => {
      // Node takes headers here, which the browser's constructor does not.
      const socket = new WebSocket(url, { headers: { authorization } } as never)
      sockets.push(socket)
      return socket as unknown as WebSocketLike
    },
    connectivity: { online: () => true, subscribe: () => () => {} },
  })
})

afterAll(() => world[Symbol.asyncDispose]())

function post<T>(path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return client.request<T>(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** A new project and its follower, with every snapshot it showed. */
async function follow(ingestionId?: string, project?: ProjectView) {
  const { id } = project ?? (await post<ProjectView>('/api/projects', { name: 'Notes' }))
  const follower = new IngestionFollower(client, id, ingestionId)
  const seen = [follower.getSnapshot()]
  const stop = follower.subscribe(() => seen.push(follower.getSnapshot()))
  const ingest = () => post<AcceptedView>(`/api/projects/${id}/ingestions`, { path: world.root })
  const until = (check: () => void) => vi.waitFor(check, PATIENCE)
  return { id, follower, seen, stop, ingest, until }
}

describe('the follower of a project', () => {
  it('[P2b] shows an idle project, then the ingestion that starts, to its end', async () => {
    const { id, follower, seen, stop, ingest, until } = await follow()
    await until(() => expect(follower.getSnapshot().view?.status).toBe('idle'))
    await until(() => expect(follower.getSnapshot().connection.state).toBe('connected'))
    const { ingestionId } = await ingest()
    await until(() => expect(follower.getSnapshot().connection.state).toBe('completed'))
    const { view, ingestion } = follower.getSnapshot()
    expect(view?.ingestionId).toBe(ingestionId)
    expect(ingestion).toMatchObject({ status: 'done', result: { files: { total: 40, done: 40, failed: 0 } } })
    const percents = seen.flatMap((one) => one.ingestion.phases[1]?.percent ?? [])
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    // The same as a reader who comes afterwards is given.
    const told = await client.request<ProgressView>(`/api/projects/${id}/progress`)
    expect(told).toMatchObject({ status: 'done', phases: ingestion.phases, metrics: ingestion.metrics })
    stop()
  })

  it('[P2b] goes over to the next ingestion of the project, and keeps to one that was asked for', async () => {
    const { id, follower, stop, ingest, until } = await follow()
    const first = await ingest()
    await until(() => expect(follower.getSnapshot().ingestion.status).toBe('done'))
    const asked = new IngestionFollower(client, id, first.ingestionId)
    const stopAsked = asked.subscribe(() => {})
    const second = await ingest()
    await until(() => expect(follower.getSnapshot().view?.ingestionId).toBe(second.ingestionId))
    await until(() => expect(follower.getSnapshot().ingestion.status).toBe('done'))
    // Nothing changed between the two.
    expect(follower.getSnapshot().ingestion.result?.files).toMatchObject({ skipped: 40, done: 0 })
    expect(asked.getSnapshot().view?.ingestionId).toBe(first.ingestionId)
    stop()
    stopAsked()
  })

  it('[P2b] waits with an ingestion that is queued behind another until its turn has come and gone', async () => {
    const { id, follower, seen, stop, ingest, until } = await follow()
    const first = await ingest()
    const second = await ingest()
    const queued = new IngestionFollower(client, id, second.ingestionId)
    const stopQueued = queued.subscribe(() => {})
    await until(() => expect(queued.getSnapshot().ingestion.status).toBe('done'))
    // Without a wish of one's own the one that works is shown before the one that waits.
    const shown = seen.flatMap(({ view, ingestion }) => (ingestion.status === 'done' ? (view?.ingestionId ?? []) : []))
    await until(() => expect(follower.getSnapshot().view?.ingestionId).toBe(second.ingestionId))
    expect(shown[0]).toBe(first.ingestionId)
    stop()
    stopQueued()
  })

  it('[P3e] a connection cut in the middle resumes and misses nothing', async () => {
    const { id, follower, stop, ingest, until } = await follow()
    await ingest()
    await until(() => expect(follower.getSnapshot().ingestion.status).not.toBe('queued'))
    for (const socket of sockets) socket.close()
    await until(() => expect(follower.getSnapshot().connection.state).toBe('completed'))
    const told = await client.request<ProgressView>(`/api/projects/${id}/progress`)
    const { ingestion } = follower.getSnapshot()
    expect(ingestion.result).toEqual(told.result)
    expect(ingestion.phases).toEqual(told.phases)
    stop()
  })

  it('[CL6] says which answer was in the way where the ingestion does not exist', async () => {
    const { follower, stop, until } = await follow('no-such-ingestion')
    await until(() => expect(follower.getSnapshot().error?.code).toBe('NOT_FOUND'))
    expect(follower.getSnapshot().connection.state).toBe('error')
    stop()
  })
})
