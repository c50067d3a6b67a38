import { connect, createServer, type Socket } from 'node:net'
import { listenOnLoopback, portOf } from './loopback.ts'

/**
 * A TCP door before several servers on loopback. Connections are spread evenly, and in no rhythm: were they dealt out
 * in turn, a test that always opens two would always find the same server at each. The same in every run.
 */
export interface Balancer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Connections from now on are spread over these ports. */
  setTargets(ports: readonly number[]): void
}

export async function startBalancer(): Promise<Balancer> {
  let targets: readonly number[] = []
  let connections = 0
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const port = targets[spread(connections, targets.length)]
    connections += 1
    if (port === undefined) client.destroy()
    else join(client, connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }), open)
  })
  await listenOnLoopback(server)
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    setTargets(ports) {
      targets = ports
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/**
 * Which of `parts` the use with this count, from 0, belongs to: evenly, and nowhere periodic.
 * Source: the sequence of Thue and Morse, the sum of the binary digits by the number of parts.
 */
export function spread(count: number, parts: number): number {
  let sum = 0
  for (let rest = count; rest > 0; rest >>>= 1) sum += rest & 1
  return sum % parts
}

/** Bytes both ways, held back where the other side takes none; an end, or a cut, of one is one of the other. */
function join(one: Socket, other: Socket, open: Set<Socket>): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    open.add(from)
    from.pipe(to)
    // `close` follows.
    from.on('error', () => {})
    from.once('close', () => {
      open.delete(from)
      if (from.readableEnded) to.destroySoon()
      else to.resetAndDestroy()
    })
  }
}
