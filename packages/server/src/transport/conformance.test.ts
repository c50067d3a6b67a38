import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runConformanceTests } from '@durable-streams/server-conformance-tests'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSqliteDatabase } from '../db/sqlite-database.ts'
import { type LiveServer, startLiveServer, TOKEN } from './fixtures/live-server.ts'

const options = { baseUrl: '', longPollTimeoutMs: 5_000 }
const bareFetch = globalThis.fetch
let folder: string
let live: LiveServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-conformance-'))
  const db = await openSqliteDatabase({
    path: join(folder, 'streams.db'),
    durability: 'full',
    onFatal: (error) => {
      throw error
    },
  })
  live = await startLiveServer({ db, longPollMs: 700 })
  options.baseUrl = `http://127.0.0.1:${live.port}`
  // The suite knows nothing of who may ask; all it does goes through fetch.
  globalThis.fetch = (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set('authorization', `Bearer ${TOKEN}`)
    return bareFetch(input, { ...init, headers })
  }
})

afterAll(async () => {
  globalThis.fetch = bareFetch
  await live[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
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
