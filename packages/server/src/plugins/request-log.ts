import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Logger } from 'pino'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked so often that a line for each success would cost more than the answer: those stand at debug. */
    frequent?: boolean
  }
}

/** One line per answered request. The query is left out: it can hold a token. */
export const requestLog = fastifyPlugin(async (app: FastifyInstance, { logger }: { logger: Logger }) => {
  app.addHook('onResponse', (request, reply, done) => {
    const isRoutine = request.routeOptions.config.frequent && reply.statusCode < 400
    const level = isRoutine ? 'debug' : 'info'
    if (logger.isLevelEnabled(level)) {
      const { method, url } = request
      const fields = { method, path: url.split('?')[0], status: reply.statusCode, ms: Math.round(reply.elapsedTime) }
      request.log[level](fields, 'answered')
    }
    done()
  })
})
