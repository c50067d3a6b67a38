import { runConformanceTests } from '@durable-streams/server-conformance-tests'
import { projectGround, spread } from '@holdfast/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from './fixtures/live-server.ts'

const options = { baseUrl: '', longPollTimeoutMs: 5_000 }
const bareFetch = globalThis.fetch
let live: LiveServer

beforeAll(async () => {
  const ground = projectGround()
  const store = ground.store === 'memory' ? 'sqlite' : ground.store
  live = await startLiveServer({ ground: { ...ground, store }, longPollMs: 700 })
  options.baseUrl = `http://127.0.0.1:${live.port}`
  let requests = 0
  // The suite knows nothing of who may ask, nor of nodes; all it does goes through fetch.
  globalThis.fetch = (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set('authorization', `Bearer ${TOKEN}`)
    const url = new URL(input instanceof Request ? input.url : input)
    url.port = String(live.ports[spread(requests++, live.ports.length)])
    return bareFetch(input instanceof Request ? new Request(url, input) : url, { ...init, headers })
  }
})

afterAll(async () => {
  globalThis.fetch = bareFetch
  await live[Symbol.asyncDispose]()
})

describe('[HTTP25] Durable Streams, as its own suite sees it', () => {
  runConformanceTests(options)

  it('[HTTP25] the suite is the whole suite: 332 core tests', ({ task }) => {
    const count = (tasks: readonly { type: string; mode: string; tasks?: readonly never[] }[]): number =>
      tasks.reduce(
        (sum, { type, mode, tasks = [] }) => sum + (type === 'test' && mode !== 'skip' ? 1 : count(tasks)),
        0,
      )
    expect(count(task.file.tasks as never)).toBe(332 + 1)
  })
})
