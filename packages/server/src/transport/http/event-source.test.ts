import { connect } from 'node:net'
import { ManualClock } from '@holdfast/testing'
import { EventSource } from 'eventsource'
import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, oneNode, startLiveServer, TOKEN } from '../fixtures/live-server.ts'
import { type Ask, streamClient } from '../fixtures/stream-client.ts'

let live: LiveServer
let ask: Ask
const start = async (options: Parameters<typeof startLiveServer>[0] = {}) => {
  live = await startLiveServer(options)
  ask = streamClient(live)
}
afterEach(() => live[Symbol.asyncDispose]())

/** A browser's reader: it knows `data`, `id` and `retry`, and comes back by itself. */
function open(path: string) {
  const source = new EventSource(`http://127.0.0.1:${live.port}/v1/stream/${path}`, {
    fetch: (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${TOKEN}` } } as RequestInit),
  })
  const read = { data: [] as string[], opened: 0, source }
  source.addEventListener('open', () => {
    read.opened += 1
  })
  source.addEventListener('data', ({ data }) => read.data.push(data))
  return read
}

describe('a plain EventSource', () => {
  it('[SSE13] gets every event exactly once and in order, over one rotation after the other', async () => {
    const clock = new ManualClock()
    await start({ clock, sseRotationMs: 60_000, random: () => 0.5 })
    await live.append('s', '0')
    const read = open('s')
    const events = () => read.data.flatMap((data) => JSON.parse(data) as number[])
    await expect.poll(events).toEqual([0])
    let n = 0
    for (let rotations = 1; rotations <= 8; rotations += 1) {
      await live.append('s', String(++n), String(++n))
      clock.advance(60_000)
      // Appended while nobody reads.
      await live.append('s', String(++n))
      await expect.poll(() => read.opened, { timeout: 10_000 }).toBe(rotations + 1)
    }
    await expect.poll(() => events().length).toBe(n + 1)
    expect(events()).toEqual(Array.from({ length: n + 1 }, (_, index) => index))
    await live.seal('s', '"end"')
    // At the end it comes back once more, is answered 204, and stays away.
    await expect.poll(() => read.source.readyState, { timeout: 10_000 }).toBe(EventSource.CLOSED)
    expect(read.data.at(-1)).toBe('["end"]')
  })

  it('[SSE10] gets texts as they are and bytes in base64, as the headers say', async () => {
    await start()
    const text = 'one\r\n two\n\nevent: control\ndata: {"streamNextOffset":"x"}\r\u2028data: x'
    await ask('PUT', 'text', { headers: { 'content-type': 'text/markdown' }, body: text })
    await ask('PUT', 'bytes', { headers: { 'content-type': 'image/x' }, body: Uint8Array.from([0, 255]) })
    await ask('POST', 'bytes', { headers: { 'content-type': 'image/x' }, body: Uint8Array.from([1]) })
    const [texts, bytes] = [open('text'), open('bytes?offset=-1&live=sse')]
    await expect.poll(() => texts.data).toEqual([text.replace(/\r\n|\r/g, '\n')])
    await expect.poll(() => bytes.data).toEqual([Buffer.from([0, 255, 1]).toString('base64')])
    const encodings: (string | null)[] = []
    for (const name of ['text', 'bytes']) {
      const asked = { headers: { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream' } }
      const { headers, body } = await fetch(`http://127.0.0.1:${live.port}/v1/stream/${name}`, asked)
      encodings.push(headers.get('stream-sse-data-encoding'))
      await body?.cancel()
    }
    expect(encodings).toEqual([null, 'base64'])
    for (const { source } of [texts, bytes]) source.close()
  })
})

describe('the rotation of responses', () => {
  it.for([
    { rotationMs: 60_000, random: 0, lasts: 54_000 },
    { rotationMs: 60_000, random: 0.5, lasts: 60_000 },
    { rotationMs: 10, random: 0, lasts: 1_000 },
  ])('[SSE12] ends a response after about a minute, by chance, and never within a second: $lasts ms', async (given) => {
    const clock = new ManualClock()
    await start({ clock, sseRotationMs: given.rotationMs, random: () => given.random })
    await live.append('s', '1')
    const reader = await live.events('/v1/stream/s')
    await expect.poll(() => reader.events).toEqual([1])
    clock.advance(given.lasts - 1)
    await live.append('s', '2')
    await expect.poll(() => reader.events).toEqual([1, 2])
    clock.advance(1)
    await expect.poll(() => reader.ended).toBe(true)
    expect([reader.writes.at(-1), reader.controls.at(-1)?.streamClosed]).toEqual(['retry: 20\n\n', undefined])
  })
})

describe('a peer that leaves', () => {
  it('[SSE14] while its stream is being looked up leaves nothing behind', async () => {
    await start({ longPollMs: 60_000, ground: oneNode() })
    await live.append('s', '1')
    const { log } = live.server.services
    const info = log.info.bind(log)
    for (const query of ['', '?offset=now&live=long-poll']) {
      const [looked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      log.info = async (stream) => {
        looked.resolve()
        await released.promise
        return info(stream)
      }
      const before = await live.all.connections()
      const socket = connect(live.port, '127.0.0.1')
      const accept = query === '' ? 'text/event-stream' : '*/*'
      const head = `Host: x\r\nAccept: ${accept}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`
      socket.write(`GET /v1/stream/s${query} HTTP/1.1\r\n${head}`)
      await looked.promise
      socket.destroy()
      await expect.poll(() => live.all.connections()).toBeLessThanOrEqual(before)
      released.resolve()
      log.info = info
      // A whole answer later the one before it has been given up.
      expect((await ask('HEAD', 's')).status).toBe(200)
      await expect.poll(() => live.all.size.responses).toBe(0)
      await expect.poll(() => ask('GET', 's').then(() => live.all.size.responses)).toBe(0)
    }
  })
})

describe('the cursor of a reader', () => {
  it('[SSE11] that is ahead moves on, and every other reader shares what is written', async () => {
    const clock = new ManualClock()
    await start({ clock, random: () => 0 })
    await live.append('s', '1')
    const first = await live.events('/v1/stream/s')
    await expect.poll(() => first.controls.length).toBe(1)
    const cursor = Number(first.controls[0]?.streamCursor)
    const second = await live.events(`/v1/stream/s?offset=-1&live=sse&cursor=${cursor}`)
    await expect.poll(() => second.controls.length).toBe(1)
    await live.append('s', '2')
    await expect.poll(() => [first, second].map(({ controls }) => controls.length)).toEqual([2, 2])
    expect(first.controls.map(({ streamCursor }) => Number(streamCursor))).toEqual([cursor, cursor])
    expect(second.controls.map(({ streamCursor }) => Number(streamCursor))).toEqual([cursor + 1, cursor + 1])
    // Once time has caught up with it, it is told what everybody is told.
    clock.advance(40_000)
    await live.append('s', '3')
    await expect.poll(() => second.controls.length).toBe(3)
    expect(Number(second.controls[2]?.streamCursor)).toBe(cursor + 2)
    for (const reader of [first, second]) reader.close()
  })
})
