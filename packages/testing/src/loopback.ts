import { once } from 'node:events'
import type { Server } from 'node:net'

/** Listens on 127.0.0.1; `port` 0 takes a free one. Rejects where it is taken. */
export async function listenOnLoopback(server: Server, port = 0): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

/** The port a server listens on; 0 while it does not. */
export function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
