/**
 * Socket.IO with its Redis streams adapter: what a client emits goes to the room of all readers, on every node. ACK=sent
 * acknowledges as it is usually done, once it was handed over; ACK=kept once Redis has answered that it has it.
 */
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-streams-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { serveCommands } from '../../streams/commands.ts'

const { PORT = '0', REDIS_URL, NAME, ACK } = process.env
const redis = new Redis(REDIS_URL)
const io = new Server({
  transports: ['websocket'],
  perMessageDeflate: false,
  adapter: createAdapter(redis, { streamName: NAME, channelPrefix: NAME }),
})
const rooms = new Set(['all'])
const EVENT = 2

io.on('connection', (socket) => {
  if (socket.handshake.auth.reader) socket.join('all')
  socket.on('e', async (event, acknowledge) => {
    if (ACK === 'kept') await broadcast(event)
    else io.to('all').emit('e', event)
    acknowledge()
  })
})

/** What `emit` does, which does not tell when it is done. */
function broadcast(event) {
  const packet = { type: EVENT, data: ['e', event], nsp: '/' }
  return io.of('/').adapter.broadcast(packet, { rooms, except: new Set(), flags: {} })
}

const http = createServer()
io.attach(http)
http.listen(Number(PORT), '127.0.0.1', 8192, () => serveCommands({ port: http.address().port, headers: {} }, {}))
