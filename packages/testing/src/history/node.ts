import { mkdir } from 'node:fs/promises'
import { CuttingProxy } from './cutting-proxy.ts'
import type { NodeGround } from './grounds/ground.ts'
import type { History } from './history.ts'
import type { ServerStart } from './server-messages.ts'
import { ServerProcess } from './server-process.ts'

/** One of the servers under test, the line clients reach it over, and its lines to the store. */
export class HistoryNode implements AsyncDisposable {
  readonly server: ServerProcess
  /** Between clients and the server. */
  readonly proxy: CuttingProxy
  readonly #ground: NodeGround

  private constructor(server: ServerProcess, proxy: CuttingProxy, ground: NodeGround) {
    this.server = server
    this.proxy = proxy
    this.#ground = ground
  }

  /** Starts it; throws where it does not come up. */
  static async start(start: Omit<ServerStart, 'store'>, ground: NodeGround, history: History): Promise<HistoryNode> {
    await mkdir(start.dataDir)
    const server = new ServerProcess({ ...start, store: ground.store })
    try {
      await server.start()
    } catch (error) {
      await server.close()
      await ground[Symbol.asyncDispose]()
      throw error
    }
    const onEnd = history.lineEnded.bind(history)
    const proxy = await CuttingProxy.open({ target: () => server.port, onEnd })
    return new HistoryNode(server, proxy, ground)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy.close()
    await this.server.close()
    await this.#ground[Symbol.asyncDispose]()
  }
}
