import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { CLOSE, ERRORS, type Problem, type ServerFrame } from '@holdfast/protocol'
import { projectGround } from '@holdfast/testing'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Validate, validator } from '../../plugins/asyncapi/fixtures/validators.ts'
import { schemaDocuments } from '../../plugins/asyncapi/schema-documents.ts'
import { FrameSocket } from '../fixtures/frame-socket.ts'
import { type LiveServer, startLiveServer, TOKEN } from '../fixtures/live-server.ts'
import { Chance } from './fixtures/chance.ts'
import { brokenRequest, hostileRequest } from './fixtures/http-requests.ts'
import { pipeline, type RawAnswer } from './fixtures/raw-http.ts'
import { talk } from './fixtures/raw-socket.ts'
import { fatalFrames, GOODBYE, hostileFrames, PING_FRAME } from './fixtures/ws-frames.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Another seed, another hundred thousand; a failure names the bytes. */
const SEED = 20_260_101
// On PostgreSQL it is about what that store makes of hostile texts, of which far fewer show as much.
const SHARE = projectGround().store === 'postgres' ? 5 : 1
const REQUESTS = 5_000 / SHARE
const FRAMES = 95_000 / SHARE

// Codes a peer is told by RFC 6455 that it broke the protocol, or goes well: 7.4.1.
const PROTOCOL_CLOSES = [1000, 1002, 1005, 1007, 1009, 4999]
const OUR_CLOSES: number[] = Object.values(CLOSE).map(({ code }) => code)

let live: LiveServer
const logged: string[] = []
beforeAll(async () => {
  live = await startLiveServer({
    // What is wrong on our side is logged as an error; what is wrong with a peer is not.
    logger: pino({ level: 'error' }, { write: (line: string) => void logged.push(line) }),
    longPollMs: 1,
    limits: { connectionsPerAddress: 100 },
  })
  await live.append('counters/c', ...[1, 2, 3].map((by) => JSON.stringify({ type: 'added', timestamp: '', by })))
  await live.append('untouched', '1', '{"two":2}')
})
afterAll(() => live[Symbol.asyncDispose]())

/** Streams to be written to, empty again: what is sent is to be dealt with, not what was left by all before it. */
async function renew(): Promise<void> {
  const { log } = live.server.services
  for (const name of ['fuzz/a', 'fuzz/b', 'fuzz/c']) {
    await log.remove(name).catch(() => {})
    await log.ensure(name, { contentType: 'application/json' }).catch(() => {})
  }
}

/** Runs `task` over and over, eight at a time, until it has said often enough how much it did. */
async function untilDone(total: number, task: () => Promise<number>): Promise<void> {
  let done = 0
  const worker = async () => {
    for (let turn = 0; done < total; turn += 1) {
      if (turn % 4 === 0) await renew()
      done += await task()
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

/** What is wrong with an answer; `null` where it is as it should be. */
function faultOf({ status, headers, body }: RawAnswer, isHead: boolean): string | null {
  // Node's own words, without a body: an `Expect` it does not know, no `Host`. Source: RFC 9110, 10.1.1; RFC 9112, 3.2.
  const isNodes =
    body === '' && !isHead && (status === 417 || (status === 400 && headers.get('connection') === 'close'))
  if (status < 400 || isNodes) return null
  if (status >= 500) return `${status} ${body}`
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return `${status} is no problem: ${body}`
  if (isHead) return null
  const problem: Problem = JSON.parse(body)
  return ERRORS[problem.code]?.status === status ? null : `${status} with ${problem.code}`
}

async function sendRequests(total: number, chance: Chance): Promise<Map<string, number>> {
  const seen = new Map<string, number>()
  const faults = new Map<string, string>()
  await untilDone(total, async () => {
    const requests = Array.from({ length: 1 + chance.int(60) }, () => hostileRequest(chance))
    const last = chance.oneIn(2) ? brokenRequest(chance) : undefined
    const { answers } = await pipeline(live.port, requests, last)
    const final = answers.filter(({ status }) => status >= 200)
    for (const [index, answer] of final.entries()) {
      const asked = requests[index] ?? last
      const fault = faultOf(answer, asked?.method === 'HEAD')
      if (fault) faults.set(fault, asked?.bytes.toString('latin1').slice(0, 1_500) ?? '')
      const code = answer.status < 400 ? String(answer.status) : (/"code":"(\w+)"/.exec(answer.body)?.[1] ?? '')
      seen.set(code, (seen.get(code) ?? 0) + 1)
    }
    return final.length + (last ? 1 : 0)
  })
  expect(Object.fromEntries(faults)).toEqual({})
  return seen
}

async function sendFrames(total: number, chance: Chance, isFrame: Validate): Promise<Map<string, number>> {
  const seen = new Map<string, number>()
  const faults = new Set<string>()
  const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
  await untilDone(total, async () => {
    const path = chance.pick(['/v1/ws', '/v1/ws', '/v1/ws', '/v1/stream/counters/c', '/v1/stream/fuzz/b?offset=now'])
    const frames = Array.from({ length: 1 + chance.int(160) }, (_, index) =>
      index % 40 === 39 ? [PING_FRAME] : hostileFrames(chance),
    ).flat()
    const end = chance.oneIn(2) ? fatalFrames(chance) : GOODBYE
    const isCut = chance.oneIn(10)
    const talked = await talk(live.port, path, Buffer.concat(frames), isCut ? null : end)
    const { status, texts, closeCode, strange } = talked
    if (path === '/v1/ws') expect(status).toBe(101)
    if (status !== 101) return 1
    expect(strange).toBe(0)
    if (!isCut) expect([...PROTOCOL_CLOSES, ...OUR_CLOSES]).toContain(closeCode)
    note(`closed ${closeCode}`)
    for (const text of texts) {
      const frame: ServerFrame = JSON.parse(text)
      const isFault = frame.type === 'error' && frame.error.status >= 500
      const what = frame.type === 'error' ? frame.error.code : frame.type
      note(what)
      // A frame of each kind is looked at closely often enough; all of them would take longer than all the rest.
      if (isFault || ((seen.get(what) ?? 0) <= 200 && isFrame(frame).length > 0)) faults.add(text)
    }
    return isCut ? 1 : frames.length + 1
  })
  expect([...faults]).toEqual([])
  return seen
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

async function heap(): Promise<number> {
  // What waits for a turn of the event loop is let go of in between.
  for (let turn = 0; turn < 3; turn += 1) {
    collect()
    await new Promise(setImmediate)
  }
  return process.memoryUsage().heapUsed
}

/** Handles of connections in this process, both ends. */
const connections = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

async function gauges(): Promise<Record<string, number>> {
  const { text } = await live.request('/metrics')
  const lines = text.matchAll(/^(holdfast_(?:connections\{kind="\w+"\}|stream_readers|streams_read)) (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, name = '', value]) => [name, Number(value)]))
}

describe('a hundred thousand malformed requests and frames', () => {
  const rejections: unknown[] = []
  const onRejection = (error: unknown) => void rejections.push(error)
  let isFrame: Validate
  let heapBefore: number
  let before: { connections: number; gauges: Record<string, number> }
  beforeAll(async () => {
    process.on('unhandledRejection', onRejection)
    isFrame = validator(schemaDocuments([]).get('/v1/schemas/frames/server.json') ?? {})
    before = { connections: connections(), gauges: await gauges() }
    // What a server keeps for good it has by then.
    await sendRequests(1_000, new Chance(SEED))
    await sendFrames(5_000, new Chance(SEED), isFrame)
    heapBefore = await heap()
  }, 60_000)
  afterAll(() => void process.off('unhandledRejection', onRejection))

  it('[FUZZ1] every request is answered, with what it asked for or a coded problem, and none with a fault of ours', async () => {
    const seen = await sendRequests(REQUESTS, new Chance(SEED + 1))
    const expected = ['INVALID_INPUT', 'INVALID_OFFSET', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'STREAM_EXISTS']
    expected.push('CONTENT_TYPE_MISMATCH', 'OFFSET_GONE', 'TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', '200', '201', '204')
    expect([...seen.keys()]).toEqual(expect.arrayContaining(expected))
    expect(logged).toEqual([])
  })

  it('[FUZZ2] every frame is answered with a frame of the protocol, or the connection is closed with a code', async () => {
    const seen = await sendFrames(FRAMES, new Chance(SEED + 2), isFrame)
    const expected = ['welcome', 'pong', 'subscribed', 'unsubscribed', 'appended', 'INVALID_INPUT', 'UNAUTHENTICATED']
    expected.push('FORBIDDEN', 'NOT_FOUND', 'closed 1000', 'closed 1002', 'closed 1007', 'closed 1009')
    expect([...seen.keys()]).toEqual(expect.arrayContaining(expected))
    expect(logged).toEqual([])
  })

  it('[FUZZ3] afterwards nothing is left of it: connections, readers, memory, promises that failed', async () => {
    await expect.poll(gauges, { timeout: 20_000 }).toEqual(before.gauges)
    await expect.poll(connections, { timeout: 20_000 }).toBeLessThanOrEqual(before.connections + 2)
    const grown = (await heap()) - heapBefore
    expect(grown).toBeLessThan(16 * 1_048_576)
    expect(rejections).toEqual([])
  })

  it('[FUZZ3] streams that nobody may write are as they were, the others are whole, and a client is served', async () => {
    const { log } = live.server.services
    expect((await log.read('untouched', null)).events).toEqual(['1', '{"two":2}'])
    expect((await log.read('counters/c', null)).events).toHaveLength(3)
    expect((await live.request('/v1/stream/served', { method: 'PUT', headers: AUTHORIZED })).status).toBe(201)
    const socket = new FrameSocket(live.port)
    await socket.opened
    socket.send({ type: 'subscribe', stream: 'served' })
    socket.send({ type: 'append', ref: 1, stream: 'served', events: [{ works: true }] })
    await socket.until('appended')
    await expect.poll(() => socket.events('served')).toEqual([{ works: true }])
    socket.cut()
    expect((await live.request('/health')).status).toBe(200)
  })
})

const AUTHORIZED = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
