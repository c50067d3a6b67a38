import { HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { endWithProblem, isAnswering } from './problems.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** There is a WebSocket to be opened; set by itself for every route that has one. */
    upgrades?: boolean
  }
}

/**
 * Upgrades to WebSocket that cannot be made are answered with a problem like every refusal, and let go of their
 * connection. To be registered after the WebSocket plugin.
 */
export const upgrades = fastifyPlugin(async (app: FastifyInstance) => {
  // An upgrade that was sent before the answer to an earlier request had come: there is no way to answer both, and
  // nobody would ever close the connection. No WebSocket client does that. Source: RFC 6455, 4.1.
  app.server.prependListener('upgrade', (_, socket) => {
    if (isAnswering(socket)) socket.destroy()
  })
  app.addHook('onRoute', (route) => {
    if (route.wsHandler || route.websocket) route.config = { ...route.config, upgrades: true }
  })
  // The plugin would open it, close it at once, and write the whole address, token and all, into the log.
  app.addHook('preValidation', (request, _, done) => {
    if (!request.ws || request.is404 || request.routeOptions.config.upgrades) return done()
    done(new HoldfastError('INVALID_INPUT', 'Here no WebSocket is opened.'))
  })
  // Source: RFC 6455, 4.4: the answer names the version that is spoken here.
  app.websocketServer.on('wsClientError', ({ message }, socket) =>
    endWithProblem(socket, new HoldfastError('INVALID_INPUT', `${message}.`), ['sec-websocket-version: 13']),
  )
})
