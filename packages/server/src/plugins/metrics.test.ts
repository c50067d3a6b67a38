import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer } from '../transport/fixtures/live-server.ts'

let live: LiveServer
afterEach(() => live[Symbol.asyncDispose]())

/** The value of a figure, by its name with its labels. */
async function figure(name: string): Promise<number> {
  const { text } = await live.request('/metrics')
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.slice(name.length))
}

describe('/metrics', () => {
  it('[METRICS1] tells in the format of Prometheus what is connected, read and appended, as it is now', async () => {
    live = await startLiveServer()
    await live.append('s', '1', '2')
    const { status, headers } = await live.request('/metrics')
    expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/plain; version=/)])
    expect(await figure('holdfast_events_appended_total')).toBe(2)
    const socket = live.socket('/v1/stream/s')
    await expect.poll(() => socket.events).toEqual([1, 2])
    expect(await figure('holdfast_connections{kind="sockets"}')).toBe(1)
    expect(await figure('holdfast_stream_readers')).toBe(1)
    expect(await figure('holdfast_streams_read')).toBe(1)
    socket.close()
    await expect.poll(() => figure('holdfast_connections{kind="sockets"}')).toBe(0)
    await live.append('s', '3')
    expect(await figure('holdfast_events_appended_total')).toBe(3)
    expect(await figure('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  })

  it('[METRICS2] tells what is held for connections that do not read, for each kind', async () => {
    live = await startLiveServer()
    await live.append('s', '1')
    const buffered = 'holdfast_connection_buffered_bytes{kind="sockets"}'
    const average = 'holdfast_connection_buffered_bytes_average{kind="sockets"}'
    const slow = live.socket('/v1/stream/s')
    const other = live.socket('/v1/stream/s')
    await expect.poll(() => slow.events.length + other.events.length).toBe(2)
    expect(await figure(buffered)).toBe(0)
    slow.socket.pause()
    const large = JSON.stringify('x'.repeat(250_000))
    await expect
      .poll(
        async () => {
          await live.append('s', ...Array(8).fill(large))
          return figure(buffered)
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(100_000)
    expect(await figure(average)).toBeGreaterThan(50_000)
    slow.close()
    other.close()
    await expect.poll(() => figure(buffered)).toBe(0)
  })

  it('[METRICS3] wants a principal', async () => {
    live = await startLiveServer()
    expect((await live.request('/metrics', { headers: {} })).status).toBe(401)
  })
})
