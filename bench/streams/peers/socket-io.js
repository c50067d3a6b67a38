/** Socket.IO with its connection state recovery, in memory: one room for all readers. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { now } from '../../measure/clock.ts'
import { serveCommands } from '../commands.ts'

const io = new Server({
  transports: ['websocket'],
  perMessageDeflate: false,
  connectionStateRecovery: { maxDisconnectionDuration: 60_000 },
})
const http = createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    // There is no stream to make (PUT); an append is told to everybody.
    if (request.method !== 'POST') return response.writeHead(204).end()
    io.to('all').emit('e', JSON.parse(Buffer.concat(parts).toString()))
    response.writeHead(204).end()
  })
})
io.attach(http)
io.on('connection', (socket) => socket.join('all'))

http.listen(Number(process.env.PORT ?? 0), '127.0.0.1', 8192, () => {
  serveCommands(
    { port: http.address().port, headers: {} },
    {
      async publish({ count, perTick, size }) {
        for (let n = 0; n < count; n += perTick) {
          for (let i = n; i < Math.min(count, n + perTick); i += 1) {
            io.to('all').emit('e', { n: i, t: now(), pad: 'x'.repeat(size) })
          }
          await new Promise((resolve) => setImmediate(resolve))
        }
      },
    },
  )
})
