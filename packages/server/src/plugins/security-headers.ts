import { IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import helmet, { type HelmetOptions } from 'helmet'

/**
 * The headers helmet gives every answer, errors included. They are the same for all of them, so they are made once:
 * helmet composes them anew each time, which cost an append more than its authentication.
 */
export const securityHeaders = fastifyPlugin(async (app: FastifyInstance, options: HelmetOptions) => {
  const headers = headersOf(options)
  app.addHook('onRequest', (_, reply, done) => {
    reply.headers(headers)
    done()
  })
})

function headersOf(options: HelmetOptions): OutgoingHttpHeaders {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  helmet(options)(request, response, (error) => {
    if (error) throw error
  })
  return { ...response.getHeaders() }
}
