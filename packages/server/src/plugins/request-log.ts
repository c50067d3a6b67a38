import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** One line per answered request. The query is left out: it can hold a token. */
export const requestLog = fastifyPlugin(async (app: FastifyInstance) => {
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request
    const fields = { method, path: url.split('?')[0], status: reply.statusCode, ms: Math.round(reply.elapsedTime) }
    request.log.info(fields, 'answered')
  })
})
