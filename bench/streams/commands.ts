/** What the parent asks of a server or a load program in a child process, and how it is answered, over Node's IPC. */
export type Handlers = { [name: string]: (input: never) => unknown }

interface Request {
  id: number
  name: string
  input: unknown
}

export type Reply = { ready: unknown } | { id: number; result: unknown } | { id: number; error: string }

/** In the child: says it is ready, then answers whatever it is asked, and ends when the parent does. */
export function serveCommands(ready: unknown, handlers: Handlers): void {
  const all: Handlers = { usage, ...handlers }
  process.on('message', async ({ id, name, input }: Request) => {
    try {
      const result = await all[name]?.(input as never)
      process.send?.({ id, result } satisfies Reply)
    } catch (error) {
      process.send?.({ id, error: String(error) } satisfies Reply)
    }
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ ready } satisfies Reply)
}

export interface Usage {
  /** User and system time of all threads, in microseconds. */
  cpu: number
  /** Resident memory in bytes, after a collection. */
  rss: number
}

function usage(): Usage {
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  return { cpu: user + system, rss: process.memoryUsage.rss() }
}
