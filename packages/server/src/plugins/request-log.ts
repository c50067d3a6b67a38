import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Logger } from 'pino'

/** One line per answered request. The query is left out: it can hold a token. */
export const requestLog = fastifyPlugin(async (app: FastifyInstance, { logger }: { logger: Logger }) => {
  app.addHook('onResponse', (request, reply, done) => {
    if (logger.isLevelEnabled('info')) {
      const { method, url } = request
      const fields = { method, path: url.split('?')[0], status: reply.statusCode, ms: Math.round(reply.elapsedTime) }
      request.log.info(fields, 'answered')
    }
    done()
  })
})
