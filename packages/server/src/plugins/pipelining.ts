import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

// Requests that wait on one connection before nothing more is read from it.
const WAITING_MAX = 32

interface Line {
  /** The answer at the end of the line. */
  last: ServerResponse
  waiting: number
}

/**
 * Requests that a client sends on one connection without waiting for answers are taken up one after the other, as
 * their answers have to go out. Taken up together, a few hundred of them could ask for more memory than there is, in
 * answers nobody reads; and a write could overtake the one before it. Source: RFC 9112, 9.3.2.
 *
 * To be registered before whatever costs something, and after what tells upgrades apart.
 */
export const pipelining = fastifyPlugin(async (app: FastifyInstance) => {
  const lines = new WeakMap<Socket, Line>()
  app.addHook('onRequest', (request, { raw }, done) => {
    const { socket } = request.raw
    // No request follows an upgrade, and nothing of its answer should be kept for as long as the socket is open.
    if (request.ws) {
      lines.delete(socket)
      return done()
    }
    const line = lines.get(socket)
    if (!line) {
      lines.set(socket, { last: raw, waiting: 0 })
      return done()
    }
    const before = line.last
    line.last = raw
    if (before.writableFinished || before.destroyed) return done()
    line.waiting += 1
    if (line.waiting >= WAITING_MAX) socket.pause()
    before.once('close', () => {
      line.waiting -= 1
      // Nobody is left to answer.
      if (socket.destroyed) return
      if (line.waiting < WAITING_MAX) socket.resume()
      done()
    })
  })
})
