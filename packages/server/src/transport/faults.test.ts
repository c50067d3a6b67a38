import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer } from './fixtures/live-server.ts'

const CAUSE = 'a cause for our eyes only'

let live: LiveServer
afterEach(() => live[Symbol.asyncDispose]())

/** A server with a stream of one event, whose events cannot be read; and somebody's address of that stream. */
async function start(): Promise<string> {
  live = await startLiveServer()
  await live.append('s', '1')
  live.server.services.log.read = async () => {
    throw new Error(CAUSE)
  }
  const { token } = await live.mint({ subject: 'ann', scope: ['read:s'] })
  return `/v1/stream/s?offset=-1&token=${token}`
}

/** The lines of the log that are about it, and what must stand in none. */
const faults = () => live.lines.filter((line) => line.includes(CAUSE)).map((line) => JSON.parse(line))
const given = (path: string) => live.lines.filter((line) => /token=|offset=/.test(line) || line.includes(tokenOf(path)))
const tokenOf = (path: string) => path.replace(/.*token=/, '')

describe('what fails on our side while one stream is read', () => {
  it('[ERR4] stands in the log once, with its cause and the stream, where a WebSocket read it', async () => {
    const path = await start()
    const reader = live.socket(path, { headers: {} })
    await expect.poll(() => reader.closed).toMatchObject({ code: 4001 })
    expect(reader.frames).toMatchObject([{ type: 'error', stream: 's', error: { code: 'INTERNAL_ERROR' } }])
    expect(JSON.stringify(reader.frames)).not.toContain(CAUSE)
    expect(faults()).toMatchObject([{ level: 50, stream: 's', code: 'INTERNAL_ERROR' }])
    expect(given(path)).toEqual([])
  })

  it('[ERR4] does so where server-sent events read it', async () => {
    const path = await start()
    const reader = await live.events(`${path}&live=sse`, { authorization: '' })
    await expect.poll(() => reader.ended).toBe(true)
    expect(reader.writes.join('')).toMatch(/event: error\ndata: .*INTERNAL_ERROR/)
    expect(reader.writes.join('')).not.toContain(CAUSE)
    expect(faults()).toMatchObject([{ level: 50, stream: 's', code: 'INTERNAL_ERROR' }])
    expect(given(path)).toEqual([])
  })

  it('[ERR4] does so where a long-poll waited for it, under its request', async () => {
    const path = await start()
    const answer = await live.request(`${path}&live=long-poll`, { headers: {} })
    expect([answer.status, answer.json().code]).toEqual([500, 'INTERNAL_ERROR'])
    expect(answer.text).not.toContain(CAUSE)
    expect(faults()).toMatchObject([{ level: 50, reqId: answer.json().requestId, code: 'INTERNAL_ERROR' }])
    expect(given(path)).toEqual([])
  })

  it('[ERR4] is not what a reader is told who asked for what is no more', async () => {
    live = await startLiveServer()
    await live.append('s', '1')
    const socket = live.socket('/v1/stream/s?offset=-1')
    const events = await live.events('/v1/stream/s')
    await expect.poll(() => [socket.events.length, events.events.length]).toEqual([1, 1])
    expect((await live.request('/v1/stream/s', { method: 'DELETE' })).status).toBe(204)
    await expect.poll(() => [socket.closed === null, events.ended]).toEqual([false, true])
    expect(live.lines.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
  })
})
