/** Writers over HTTP: each has one request under way at a time. */

import { percentile } from '../../measure/watcher.ts'
import { serveCommands } from '../commands.ts'
import type { ServerAddress } from '../contenders.ts'
import { HttpClient, requestText } from './http-client.ts'

export interface WriteRequest {
  address: ServerAddress
  writers: number
  streams: number
  seconds: number
  /** Bytes of padding in an event. */
  size: number
  /** Names of the streams: `<prefix><n>`; made first. */
  prefix: string
  /** Appends a second over all writers; absent: as fast as they are answered. */
  rate?: number
}

export interface WriteResult {
  perSecond: number
  /** Appends that were answered with an error, and are not counted among the others. */
  refused: number
  p50: number
  p99: number
}

const JSON_TYPE = { 'content-type': 'application/json' }

async function write({ address, writers, streams, seconds, size, prefix, rate }: WriteRequest): Promise<WriteResult> {
  const headers = { ...address.headers, ...JSON_TYPE }
  const path = (n: number) => `/v1/stream/${prefix}${n % streams}`
  const clients = await Promise.all(Array.from({ length: writers }, () => HttpClient.connect(address.port)))
  for (let n = 0; n < streams; n += 1) {
    const status = await clients[0]?.send(requestText('PUT', path(n), headers))
    if (status !== 200 && status !== 201 && status !== 204) throw new Error(`making a stream was answered ${status}`)
  }
  const pad = 'x'.repeat(size)
  const latencies: number[] = []
  let refused = 0
  const end = performance.now() + seconds * 1000
  const everyMs = rate ? (1000 * writers) / rate : 0
  const started = performance.now()
  await Promise.all(
    clients.map(async (client, index) => {
      let due = started + (everyMs * index) / writers
      while (performance.now() < end) {
        if (everyMs > 0) {
          await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
          due += everyMs
        }
        const before = performance.now()
        const body = `{"n":${latencies.length},"t":${performance.timeOrigin + before},"pad":"${pad}"}`
        const status = await client.send(requestText('POST', path(index), headers, body))
        if (status === 200 || status === 204) latencies.push(performance.now() - before)
        else refused += 1
      }
    }),
  )
  const took = (performance.now() - started) / 1000
  for (const client of clients) client.close()
  const perSecond = latencies.length / took
  return { perSecond, refused, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
}

serveCommands(null, { write })
