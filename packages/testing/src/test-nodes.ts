import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database, HoldfastServer } from '@holdfast/server'
import { type Balancer, startBalancer } from './balancer.ts'
import type { Ground } from './ground.ts'
import { createTestStore, type NodeStore, type ServerStore } from './test-store.ts'

/** Folders of a test's own; real paths, removed on dispose. */
export interface TestPlace {
  /** Each node has its own; a world's is that of its first. */
  dataDir: string
  /** A folder beside DATA_DIR, for what the test ingests or serves. */
  root: string
}

/** One server of a world. What it is made of is another after it was started anew. */
export interface TestNode extends TestPlace {
  readonly server: HoldfastServer
  readonly db: Database
  /** `http://127.0.0.1:<port>`; another after a start. */
  readonly url: string
}

/** One whole server or several on one store, each with a listening socket on 127.0.0.1. */
export interface TestNodes extends AsyncDisposable {
  readonly nodes: readonly TestNode[]
  /** The only node's; where there are several, a door before them, which spreads connections over those that run. */
  readonly url: string
  /** Stops a node as on SIGTERM; by its place, from 0. */
  stopNode(index: number): Promise<void>
  /** Starts it again, on the same folders and the same store. */
  startNode(index: number): Promise<void>
  /** Stops all nodes and starts them again on the same folders (and, unless it is in memory, the same store). */
  restart(): Promise<void>
}

/** Makes a server of a ground and folders; it is not to listen yet. */
export type MakeServer = (store: NodeStore, place: TestPlace) => Promise<HoldfastServer>

/** Starts as many servers as the ground has nodes, one after the other. `given` stands in for the ground's own store. */
export async function startTestNodes(
  ground: Ground,
  makeServer: MakeServer,
  given?: ServerStore,
): Promise<TestNodes & TestPlace> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-world-')))
  const root = join(folder, 'root')
  await mkdir(root)
  const store = given ?? (await createTestStore(ground))
  const places = Array.from({ length: ground.nodes }, (_, index) => ({ dataDir: join(folder, `node-${index}`), root }))
  const nodes = places.map((place) => new Node(place, store, makeServer))
  const balancer = nodes.length > 1 ? await startBalancer() : null
  const all = new Nodes(nodes, balancer)
  const dispose = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await balancer?.[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  await all.start().catch(async (error) => {
    await dispose()
    throw error
  })
  return {
    nodes,
    root,
    dataDir: places[0]?.dataDir ?? '',
    get url() {
      return all.url
    },
    startNode: (index) => all.startNode(index),
    stopNode: (index) => all.stopNode(index),
    async restart() {
      await all.stop()
      await all.start()
    },
    [Symbol.asyncDispose]: dispose,
  }
}

/** The nodes, and the door that leads to those which run. */
class Nodes {
  readonly #nodes: readonly Node[]
  readonly #balancer: Balancer | null

  constructor(nodes: readonly Node[], balancer: Balancer | null) {
    this.#nodes = nodes
    this.#balancer = balancer
  }

  get url(): string {
    return this.#balancer?.url ?? this.#node(0).url
  }

  async startNode(index: number): Promise<void> {
    await this.#node(index).start()
    this.#spread()
  }

  async stopNode(index: number): Promise<void> {
    const stopping = this.#node(index).stop()
    this.#spread()
    await stopping
  }

  async start(): Promise<void> {
    for (const index of this.#nodes.keys()) await this.startNode(index)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((_, index) => this.stopNode(index)))
  }

  #node(index: number): Node {
    const node = this.#nodes[index]
    if (!node) throw new RangeError(`there is no node ${index}`)
    return node
  }

  #spread(): void {
    this.#balancer?.setTargets(this.#nodes.flatMap(({ port }) => port ?? []))
  }
}

class Node implements TestNode {
  readonly dataDir: string
  readonly root: string
  readonly #store: ServerStore
  readonly #makeServer: MakeServer
  #running: { server: HoldfastServer; db: Database; url: string } | null = null

  constructor({ dataDir, root }: TestPlace, store: ServerStore, makeServer: MakeServer) {
    this.dataDir = dataDir
    this.root = root
    this.#store = store
    this.#makeServer = makeServer
  }

  get server(): HoldfastServer {
    return this.#parts.server
  }

  get db(): Database {
    return this.#parts.db
  }

  get url(): string {
    return this.#parts.url
  }

  /** `null` while it does not run. */
  get port(): number | null {
    return this.#running ? Number(new URL(this.#running.url).port) : null
  }

  async start(): Promise<void> {
    if (this.#running) return
    const { dataDir, root } = this
    await mkdir(dataDir, { recursive: true })
    const store = await this.#store.open(dataDir)
    const server = await this.#makeServer(store, { dataDir, root })
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    this.#running = { server, db: store.db, url }
  }

  async stop(): Promise<void> {
    const running = this.#running
    this.#running = null
    await running?.server.close()
  }

  get #parts() {
    if (!this.#running) throw new Error('this node does not run')
    return this.#running
  }
}
