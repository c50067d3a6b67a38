/** ws as people use it for fan-out: one text for all, `send` to each client. Keeps nothing. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { now } from '../../measure/clock.ts'
import { serveCommands } from '../commands.ts'

const http = createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    // There is no stream to make (PUT); an append is told to everybody.
    if (request.method !== 'POST') return response.writeHead(204).end()
    broadcast(Buffer.concat(parts).toString())
    response.writeHead(204).end()
  })
})
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })

function broadcast(text) {
  for (const client of sockets.clients) client.send(text)
}

http.listen(Number(process.env.PORT ?? 0), '127.0.0.1', 8192, () => {
  serveCommands(
    { port: http.address().port, headers: {} },
    {
      async publish({ count, perTick, size }) {
        for (let n = 0; n < count; n += perTick) {
          for (let i = n; i < Math.min(count, n + perTick); i += 1) {
            broadcast(JSON.stringify({ n: i, t: now(), pad: 'x'.repeat(size) }))
          }
          await new Promise((resolve) => setImmediate(resolve))
        }
      },
    },
  )
})
