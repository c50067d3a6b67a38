import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Database } from '../db/database.ts'
import type { Hub } from '../hub/hub.ts'
import type { PerKind, Sessions } from '../transport/sessions.ts'
import { demand } from './auth/principal.ts'

export interface MetricsOptions {
  db: Database
  hub: Pick<Hub, 'size'>
  sessions: Pick<Sessions, 'size' | 'buffered'>
}

const METRICS = 'operators/metrics'

/**
 * `/metrics` in Prometheus' text format: the process, the live connections with the memory held for them, the
 * streams read, the events appended. For whoever may read `operators/metrics`.
 * Source: Prometheus, Exposition formats; OpenMetrics naming.
 */
export async function metrics(app: FastifyInstance, { db, hub, sessions }: MetricsOptions): Promise<void> {
  const register = new Registry()
  const registers = [register]
  // Looking at the event loop wakes it: ten times a second is no load.
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: 100 })
  gaugePerKind(register, 'holdfast_connections', 'Live connections.', () => sessions.size)
  gaugePerKind(
    register,
    'holdfast_connection_buffered_bytes',
    'Bytes held for connections that have not taken them yet.',
    () => sessions.buffered,
  )
  gaugePerKind(
    register,
    'holdfast_connection_buffered_bytes_average',
    'The same for each connection of its kind.',
    () => averages(sessions.buffered, sessions.size),
  )
  new Gauge({
    name: 'holdfast_streams_read',
    help: 'Streams that somebody reads live.',
    registers,
    collect() {
      this.set(hub.size.streams)
    },
  })
  new Gauge({
    name: 'holdfast_stream_readers',
    help: 'Subscriptions to streams, over all connections.',
    registers,
    collect() {
      this.set(hub.size.readers)
    },
  })
  const appended = new Counter({ name: 'holdfast_events_appended_total', help: 'Events on disk.', registers })
  const stop = db.onCommitted((committed) => {
    for (const { events } of committed) appended.inc(events.length)
  })
  app.addHook('onClose', async () => stop())

  app.get(
    '/metrics',
    { schema: { summary: "Figures of the running server, in Prometheus' text format" } },
    async ({ principal }, reply) => {
      demand(principal, 'read', METRICS)
      return reply
        .type(register.contentType)
        .header('cache-control', 'no-store')
        .send(await register.metrics())
    },
  )
}

function gaugePerKind(register: Registry, name: string, help: string, look: () => PerKind): void {
  new Gauge({
    name,
    help,
    labelNames: ['kind'],
    registers: [register],
    collect() {
      for (const [kind, value] of Object.entries(look())) this.set({ kind }, value)
    },
  })
}

function averages(sums: PerKind, counts: PerKind): PerKind {
  const average = (kind: keyof PerKind) => sums[kind] / Math.max(1, counts[kind])
  return { connections: average('connections'), sockets: average('sockets'), responses: average('responses') }
}
