import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { systemClock } from '@holdfast/protocol'
import type { CommitSeen, WritePoint } from './faulty-database.ts'
import type { Order, Report, ServerStart } from './server-messages.ts'

const START_MS = 60_000

/** The server under test in a process of its own, started again on the same data whenever it was killed. */
export class ServerProcess {
  readonly #start: ServerStart
  #child: ChildProcess | null = null
  /** Has loaded its code and waits, so that the next life begins at once. */
  #next: ChildProcess | null = null
  #port = 0
  #said = ''
  /** Whether its end was asked for. */
  #isExpected = false
  /** Ends nobody asked for, with what it last said. */
  readonly deaths: string[] = []
  lives = 0

  constructor(start: ServerStart) {
    this.#start = start
  }

  /** Where it listens; another in each life. */
  get port(): number {
    return this.#port
  }

  /** Whether a process is there; it may stand still, or be about to end. */
  get isRunning(): boolean {
    return this.#child !== null && !isGone(this.#child)
  }

  async start(): Promise<void> {
    const child = this.#next ?? this.#spawn()
    this.#next = null
    this.#child = child
    // One that does not come up says so by what is thrown.
    this.#isExpected = true
    this.lives += 1
    child.once('exit', (code, signal) => {
      if (!this.#isExpected) this.deaths.push(`the server ended by itself (${signal ?? code}): ${this.#said}`)
    })
    const ready = this.#report(child, 'ready')
    this.#tell({ type: 'begin' })
    const said = await ready
    if (!said) throw new Error(`the server did not start: ${this.#said}`)
    this.#isExpected = false
    this.#port = said.port
    this.#next ??= this.#spawn()
  }

  /** Starts it again and again, as whoever looks after a server does: its store may be away. Throws when that lasts. */
  async startAgain(): Promise<void> {
    const end = systemClock.now() + START_MS
    for (;;) {
      try {
        return await this.start()
      } catch (error) {
        if (systemClock.now() > end) throw error
      }
    }
  }

  #spawn(): ChildProcess {
    const entry = join(import.meta.dirname, 'fixtures/history-server.ts')
    const child = spawn(process.execPath, [entry, JSON.stringify(this.#start)], {
      env: { NODE_COMPILE_CACHE: this.#start.compiledDir, NODE_NO_WARNINGS: '1' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = `${this.#said}${text}`.slice(-4000)
    })
    return child
  }

  /** Starts it where it is not running: it may have ended by itself, which `deaths` tells. */
  async revive(): Promise<void> {
    if (!this.isRunning) await this.startAgain()
  }

  /** It stands still, its connections open, until the way is called that is returned. */
  pause(): () => void {
    const child = this.#child
    child?.kill('SIGSTOP')
    return () => child?.kill('SIGCONT')
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#isExpected = true
    const child = this.#child
    if (!child || isGone(child)) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    await this.kill()
    this.#next?.kill('SIGKILL')
  }

  /** It will end itself at that point; `ended` tells when. */
  killAt(point: WritePoint | null): void {
    this.#isExpected = point !== null
    this.#tell({ type: 'kill_at', point })
  }

  /** Resolves when the process has ended. */
  async ended(): Promise<void> {
    if (this.#child && !isGone(this.#child)) await once(this.#child, 'exit')
  }

  /** Ends it as SIGTERM would. */
  async drain(): Promise<void> {
    this.#isExpected = true
    this.#tell({ type: 'drain' })
    await this.ended()
  }

  /** Its commits since it was last asked. */
  async commits(): Promise<CommitSeen[]> {
    return (await this.#ask({ type: 'see' }, 'seen'))?.commits ?? []
  }

  async setDisk(full: boolean): Promise<void> {
    await this.#ask({ type: 'disk', full }, 'done')
  }

  #ask<Type extends Report['type']>(order: Order, type: Type) {
    if (!this.#child || isGone(this.#child)) return null
    const answer = this.#report(this.#child, type)
    this.#tell(order)
    return answer
  }

  #tell(order: Order): void {
    // One that has just died hears nothing, and that is well.
    this.#child?.send(order, () => {})
  }

  #report<Type extends Report['type']>(child: ChildProcess, type: Type) {
    return new Promise<Extract<Report, { type: Type }> | null>((resolve) => {
      const onMessage = (said: unknown) => {
        if ((said as Report).type === type) settle(said as Extract<Report, { type: Type }>)
      }
      const onExit = () => settle(null)
      const settle = (said: Extract<Report, { type: Type }> | null) => {
        child.off('message', onMessage)
        child.off('exit', onExit)
        resolve(said)
      }
      child.on('message', onMessage)
      child.on('exit', onExit)
    })
  }
}

function isGone({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
