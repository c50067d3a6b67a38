import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../apps/host/src/main.ts', import.meta.url))
const TOKEN = 'a-token-for-measuring-only'
// The first start may have to build the page.
const START_MS = 120_000
const STOP_MS = 35_000

/** The real server in a process of its own, with a data folder of its own. */
export interface ServerUnderTest {
  readonly pid: number
  readonly url: string
  /** Sent with every request and every socket. */
  readonly headers: Record<string, string>
  /** JSON in, JSON out; throws with the answer's text unless the status is one of the 200s. */
  request<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>
  /** Stops it and deletes its data. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts the server and waits until it answers. `roots`: the folders it may ingest. */
export async function startServer(roots: string[]): Promise<ServerUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const port = await freePort()
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: join(dataDir, 'data'),
      OPERATOR_TOKEN: TOKEN,
      INGEST_ROOTS: roots.join(delimiter),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: string[] = []
  const file = createWriteStream(join(dataDir, 'server.log'))
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece: Buffer) => {
      file.write(piece)
      output.push(piece.toString('utf8'))
      if (output.length > 20) output.shift()
    })
  }
  const url = `http://127.0.0.1:${port}`
  const headers = { authorization: `Bearer ${TOKEN}` }
  const stop = async () => {
    await stopChild(child)
    file.end()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    await waitUntilReady(`${url}/api/projects`, headers, child)
  } catch (error) {
    await stop()
    throw new Error(`The server did not start: ${error}\n${output.join('')}`)
  }
  return { pid: child.pid ?? 0, url, headers, request: requester(url, headers), [Symbol.asyncDispose]: stop }
}

function requester(url: string, headers: Record<string, string>): ServerUnderTest['request'] {
  return async <Answer>(method: 'GET' | 'POST', path: string, body?: unknown) => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`)
    return JSON.parse(text) as Answer
  }
}

async function waitUntilReady(url: string, headers: Record<string, string>, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_MS
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('its process has ended')
    const response = await fetch(url, { headers }).catch(() => null)
    await response?.arrayBuffer()
    if (response?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`no answer within ${START_MS / 1000} s`)
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
