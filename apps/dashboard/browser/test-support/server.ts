import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '@holdfast/testing'

const MAIN = fileURLToPath(new URL('../../../host/src/main.ts', import.meta.url))
// The first start may have to build the page, or to wait until another has built it.
const START_MS = 120_000

/** The real command in a process of its own, with a folder, a DATA_DIR and a port that stay the same when it is started again. */
export class ServerProcess {
  readonly url: string
  readonly token = 'the-operator-of-a-browser-test'
  /** The folder it may ingest by path. */
  readonly root: string
  readonly #folder: string
  readonly #env: Record<string, string>
  #child: ChildProcess | null = null

  private constructor(folder: string, port: number, env: Record<string, string>) {
    this.#folder = folder
    this.root = join(folder, 'documents')
    this.url = `http://127.0.0.1:${port}`
    const { PATH = '', HOME = '' } = process.env
    this.#env = {
      PATH,
      HOME,
      TMPDIR: tmpdir(),
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: join(folder, 'data'),
      OPERATOR_TOKEN: this.token,
      INGEST_ROOTS: this.root,
      LOG_LEVEL: 'warn',
      ...env,
    }
  }

  /** `env` adds to its environment. */
  static async start(env: Record<string, string> = {}): Promise<ServerProcess> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-browser-')))
    const server = new ServerProcess(folder, await freePort(), env)
    await mkdir(server.root)
    await server.start()
    return server
  }

  /** Starts it, again after a kill; answers when it listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, 'serve', '--json'], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('{"type":"ready"')) continue
      clearTimeout(timer)
      child.stdout.resume()
      return
    }
    clearTimeout(timer)
    throw new Error(`The server did not start.\n${said}`)
  }

  /** As when the power goes: no word, no clean-up. */
  kill9(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** As when it is replaced by a newer one: it tells everybody, puts its work aside and goes. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** Asks it as the operator; JSON in, JSON out. */
  async request<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as Answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
