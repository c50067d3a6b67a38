import { HoldfastError } from '@holdfast/protocol'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Hub } from '../../hub/hub.ts'
import { StreamRegistry } from '../../log/stream-registry.ts'
import { problems } from '../../plugins/problems.ts'
import { type LiveServer, startLiveServer } from '../fixtures/live-server.ts'
import { DEFAULT_LIMITS } from '../limits.ts'
import { OutsideAppend } from '../outside-append.ts'
import { streamRoutes } from '../stream-routes.ts'
import { SseEncoder } from './sse-encoding.ts'

let live: LiveServer
let app: FastifyInstance
let asked: string[]

/** The routes over a real log, with somebody at the door who may do everything but look at what is secret. */
beforeEach(async () => {
  live = await startLiveServer()
  const { log, sessions, clock } = live.server.services
  const registry = new StreamRegistry([])
  asked = []
  app = Fastify()
  await app.register(problems)
  await app.register(streamRoutes, {
    prefix: '/v1/stream',
    log,
    hub: new Hub(log),
    onFault: () => {},
    registry,
    sessions,
    outside: new OutsideAppend({ log, registry, clock }),
    encoder: new SseEncoder(clock),
    limits: DEFAULT_LIMITS,
    clock,
    random: Math.random,
    longPollMs: 1_000,
    sseRotationMs: 60_000,
    authorize: (_, action, stream) => {
      asked.push(`${action} ${stream}`)
      if (stream.startsWith('secret/')) throw new HoldfastError('FORBIDDEN')
    },
  })
})
afterEach(async () => {
  await app.close()
  await live[Symbol.asyncDispose]()
})

describe('who may do what to a stream', () => {
  it('[HTTP28] each method is asked for by what it does, before anything is looked up', async () => {
    for (const [method, action] of [
      ['GET', 'read'],
      ['HEAD', 'read'],
      ['POST', 'append'],
      ['PUT', 'manage'],
      ['DELETE', 'manage'],
    ] as const) {
      asked = []
      const { statusCode } = await app.inject({ method, url: '/v1/stream/secret/none' })
      expect([method, statusCode, asked]).toEqual([method, 403, [`${action} secret/none`]])
    }
  })

  it('[HTTP27] nobody forks what they may not read', async () => {
    await live.append('secret/s', '1')
    const headers = { 'stream-forked-from': '/v1/stream/secret/s' }
    const { statusCode } = await app.inject({ method: 'PUT', url: '/v1/stream/mine', headers })
    expect([statusCode, asked]).toEqual([403, ['manage mine', 'read secret/s']])
    expect(await live.server.services.log.info('mine')).toBe(null)
  })
})
