import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './postgres.ts'
import { until } from './until.ts'

/** How to have a Redis where there is none. */
export const NO_REDIS =
  'there is no redis-server here. Install one (apt install redis-server, brew install redis); it need not run.'

const NAME = 'redis-server'

/** The system's, as it is found on the PATH, or `null`. */
export function redisServer(): string | null {
  return spawnSync(NAME, ['--version'], { stdio: 'ignore' }).status === 0 ? NAME : null
}

export interface TestRedis extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Of its process, as it is now. */
  readonly pid: number
  /** Kills it, as a crash does. */
  stop(): Promise<void>
  /** Starts it again on the same port: empty, unless it is durable. */
  start(): Promise<void>
  /** Stops its process where it stands (SIGSTOP), until `thaw`: connections stay, and nothing answers. */
  freeze(): void
  thaw(): void
}

export interface RedisOptions {
  /** Whatever is written stands in a file, after an fsync, before it is answered. Default: nothing is kept on disk. */
  durable?: boolean
  /** Where it is durable: `everysec`, as Redis has it by default, answers up to a second before the fsync. Default `always`. */
  fsync?: 'always' | 'everysec'
}

/** A real Redis of its own on a free port of loopback. Killed on dispose. */
export async function startRedis({ durable = false, fsync = 'always' }: RedisOptions = {}): Promise<TestRedis> {
  const executable = redisServer()
  if (executable === null) throw new Error(NO_REDIS)
  const port = await freePort()
  const folder = durable ? await mkdtemp(join(tmpdir(), 'holdfast-redis-')) : null
  let running = await run(executable, port, folder, fsync)
  const stop = async () => {
    const ended = running.exitCode === null && running.signalCode === null ? once(running, 'exit') : null
    running.kill('SIGKILL')
    await ended
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return running.pid ?? 0
    },
    stop,
    async start() {
      await stop()
      running = await run(executable, port, folder, fsync)
    },
    freeze: () => void running.kill('SIGSTOP'),
    thaw: () => void running.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await stop()
      if (folder !== null) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function run(executable: string, port: number, folder: string | null, fsync: string): Promise<ChildProcess> {
  const keeping =
    folder === null ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', fsync, '--dir', folder]
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...keeping]
  const child = spawn(executable, flags, { stdio: 'ignore' })
  await once(child, 'spawn')
  await until(() => (child.exitCode === null ? answers(port) : Promise.reject(new Error('redis-server ended'))), {
    what: 'redis-server',
  })
  return child
}

/** Whether it says PONG. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', (bytes) => {
      socket.destroy()
      resolve(bytes.toString().startsWith('+PONG'))
    })
    socket.once('error', () => resolve(false))
  })
}
