import { HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Holder } from '../credential.ts'
import type { Sessions } from '../sessions.ts'
import { Connection, type ConnectionWorld } from './connection.ts'

export interface WsRoutesOptions extends ConnectionWorld {
  sessions: Sessions
  /** Who asks. */
  holderOf: (request: FastifyRequest) => Holder
}

/** `/v1/ws`: one WebSocket for many streams. */
export async function wsRoutes(app: FastifyInstance, { sessions, holderOf, ...world }: WsRoutesOptions): Promise<void> {
  app.route({
    method: 'GET',
    url: '/v1/ws',
    exposeHeadRoute: false,
    schema: {
      tags: ['streams'],
      summary: 'One WebSocket for many streams',
      description: 'Subscribe, append and sign in again by frames. See packages/protocol/PROTOCOL.md.',
    },
    handler: () => {
      throw new HoldfastError('INVALID_INPUT', 'Here a WebSocket is opened, and nothing else.')
    },
    wsHandler: (socket, request) => {
      // Taken out of the request, which would otherwise live as long as the connection.
      const who = { holder: holderOf(request), address: request.ip }
      sessions.openConnection(socket, request, (peer, events) => new Connection(peer, world, { ...who, ...events }))
    },
  })
}
