import { type Agent, type IncomingMessage, request } from 'node:http'
import { sleep, systemClock } from '@holdfast/protocol'

/** Where the servers under test are reached: through lines that are cut. */
export interface Place {
  /** Where the next connection, or request, goes to: of several nodes to any. */
  nextPort(): number
  token: string
  agent: Agent
}

export interface Asked {
  method?: string
  path: string
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal
}

export interface Answered {
  status: number
  headers: IncomingMessage['headers']
  text: string
}

/** Resolves with the answer's head; rejects where the line is cut before, or the signal comes. */
export function open(place: Place, { method = 'GET', path, headers, body, signal }: Asked): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { token, agent } = place
    const asked = request(
      {
        host: '127.0.0.1',
        port: place.nextPort(),
        agent,
        method,
        path,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(signal ? { signal } : {}),
      },
      resolve,
    )
    // Also what comes late: a cut line has been answered already.
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Resolves with a whole answer; rejects where the line is cut before its end. */
export async function ask(place: Place, asked: Asked): Promise<Answered> {
  const response = await open(place, asked)
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  if (!response.complete) throw new Error('the answer was cut off')
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

/** Asks again for as long as there is no answer, or one that says to; throws where it is refused, or never answered. */
export async function insist(place: Place, asked: Asked, patienceMs = 15_000): Promise<Answered> {
  const end = systemClock.now() + patienceMs
  for (;;) {
    const answer = await ask(place, asked).catch(() => null)
    if (answer && answer.status < 300) return answer
    const isFinal = answer !== null && answer.status !== 503
    if (isFinal || systemClock.now() > end) {
      throw new Error(`${asked.path} answered ${answer ? `${answer.status} ${answer.text}` : 'nothing'}`)
    }
    await sleep(systemClock, 50)
  }
}

/** The code of a problem, or its status where it has none. */
export function codeOf({ status, text }: Pick<Answered, 'status' | 'text'>): string {
  try {
    return JSON.parse(text).code ?? String(status)
  } catch {
    return String(status)
  }
}

export function streamPath(stream: string, query: Record<string, string | undefined> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `/v1/stream/${stream}?${new URLSearchParams(given)}`
}
