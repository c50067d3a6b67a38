import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Reply } from './commands.ts'

const READY_MS = 30_000
// No command takes that long; one that does would hold the whole run up.
const ANSWER_MS = 120_000

/** A program in a process of its own that answers commands (`commands.ts`). */
export class Child<Ready> implements AsyncDisposable {
  readonly ready: Ready
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0

  private constructor(process: ChildProcess, ready: Ready) {
    this.#process = process
    this.ready = ready
    process.on('message', (reply: Reply) => this.#settle(reply))
    process.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL')
        console.error(`${process.spawnargs[1] ?? 'a program'} ended by itself: ${code ?? signal}`)
      for (const { reject } of this.#waiting.values()) reject(new Error('the program ended before it answered'))
    })
  }

  /** Starts `module` (a URL) and waits until it says that it is ready. */
  static async start<Ready>(module: URL, env: Record<string, string> = {}): Promise<Child<Ready>> {
    const child = fork(fileURLToPath(module), [], {
      execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
      env: { ...process.env, ...env },
      // What a peer logs is not measured, and not read.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS)
    const [reply] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error(`${module.pathname} did not start`))),
    ])) as [{ ready: Ready }]
    clearTimeout(timer)
    return new Child(child, reply.ready)
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  ask<Result>(name: string, input: unknown = null): Promise<Result> {
    const id = ++this.#lastId
    const waiting = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => waiting.reject(new Error(`"${name}" was not answered`)), ANSWER_MS)
    this.#waiting.set(id, waiting)
    this.#process.send({ id, name, input })
    return waiting.promise.finally(() => clearTimeout(timer)) as Promise<Result>
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #settle(reply: Reply): void {
    if (!('id' in reply)) return
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if ('error' in reply) waiting?.reject(new Error(reply.error))
    else waiting?.resolve(reply.result)
  }
}
