import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/**
 * Serves the built page: hashed assets for good, and its one document for every address a person can stand at, which
 * the page itself tells apart. Everything here is public; what it shows is not.
 */
export async function page(app: FastifyInstance, { folder }: { folder: string }): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, public: true }
    route.schema = { ...route.schema, hide: true }
  })
  await app.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    immutable: true,
    maxAge: '365d',
    index: false,
    // The builder packed them.
    preCompressed: true,
  })
  const document = { root: folder, cacheControl: false }
  for (const url of ['/', '/projects', '/projects/*', '/work', '/work/*', '/settings', '/_design']) {
    app.get(url, async (_, reply) =>
      reply.header('cache-control', 'no-cache').sendFile('index.html', document.root, document),
    )
  }
  // A person who mistyped an address is told so by the page; a program, and whoever asks the API, by a problem.
  app.get('/*', async (request, reply) => {
    const isPerson = (request.headers.accept ?? '').includes('text/html') && !/^\/(api|v1)\//.test(request.url)
    if (!isPerson) return reply.callNotFound()
    const html = await readFile(join(folder, 'index.html'))
    return reply.code(404).type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(html)
  })
  app.get('/favicon.svg', async (_, reply) => reply.sendFile('favicon.svg', folder, document))
}
