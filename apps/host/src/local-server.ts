import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { ClientWorld, WebSocketLike } from '@holdfast/client'
import { systemClock } from '@holdfast/protocol'
import { readServerRecord, type ServerRecord } from './data-dir.ts'
import { Stop, systemCode } from './stop.ts'

/** Where a server is and what it takes to speak with it. */
export interface ServerAddress {
  url: string
  /** `null` while no server of ours is there. */
  token: string | null
}

const ANSWER_WITHIN_MS = 3_000
const REQUEST_WITHIN_MS = 30_000

/** The server that runs on this DATA_DIR, when it lives and answers; else `null`. */
export async function findServer(dataDir: string): Promise<ServerRecord | null> {
  const record = readServerRecord(dataDir)
  return record && isAlive(record.pid) && (await answers(record.url)) ? record : null
}

/** The server that runs on this DATA_DIR; a Stop that says what to do where none does, or where it does not answer. */
export async function demandServer(dataDir: string): Promise<ServerRecord> {
  const server = await findServer(dataDir)
  if (server) return server
  const record = readServerRecord(dataDir)
  if (!record || !isAlive(record.pid)) {
    throw new Stop(`no server runs on DATA_DIR ${dataDir}; npx holdfast serve starts one`)
  }
  throw new Stop(`the server on DATA_DIR ${dataDir} (process ${record.pid}, ${record.url}) does not answer`)
}

/** Like findServer, for a server that is just starting: asks again until it answers or `ms` have passed. */
export async function awaitServer(dataDir: string, ms: number, signal: AbortSignal): Promise<ServerRecord | null> {
  const deadline = performance.now() + ms
  for (;;) {
    const record = await findServer(dataDir)
    if (record || signal.aborted || performance.now() > deadline) return record
    await wait(100, undefined, { signal }).catch(() => {})
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // There is such a process, it is somebody else's.
    return systemCode(error) === 'EPERM'
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    const { status } = (await response.json()) as { status?: unknown }
    return status === 'ok' || status === 'degraded'
  } catch {
    return false
  }
}

/**
 * The server on a DATA_DIR wherever it is now: one that was started again may have another port and token. While none
 * runs there is no token either: the port it had may be anybody's.
 */
export function followRecord(dataDir: string, first: ServerAddress): () => ServerAddress {
  let last: ServerAddress = first
  return () => {
    const record = readServerRecord(dataDir)
    last = record && isAlive(record.pid) ? record : { url: last.url, token: null }
    return last
  }
}

/** The client's world in a terminal: Node's own fetch and WebSocket, with the operator's token. */
export function terminalWorld(address: () => ServerAddress): ClientWorld {
  return {
    get baseUrl() {
      return address().url
    },
    clock: systemClock,
    random: Math.random,
    id: randomUUID,
    async fetch(url, init) {
      const { token } = address()
      if (token === null) throw new TypeError('no server runs')
      const given = init?.headers as Record<string, string> | undefined
      const headers = { ...given, authorization: `Bearer ${token}` }
      // An answer without end takes as long as somebody reads it.
      if (given?.accept === 'text/event-stream') return fetch(url, { ...init, headers })
      const timeout = AbortSignal.timeout(REQUEST_WITHIN_MS)
      return fetch(url, { ...init, headers, signal: init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout })
    },
    openSocket(url) {
      const { token } = address()
      // Without a token whoever answers there refuses, which is told like any loss.
      const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
      return new WebSocket(url, { headers }) as WebSocketLike
    },
    connectivity: { online: () => true, subscribe: () => () => {} },
  }
}
