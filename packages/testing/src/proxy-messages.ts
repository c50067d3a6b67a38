import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

// What is for the next hop alone. Source: RFC 9110, 7.6.1.
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'upgrade'])

/** The headers of a message that a proxy passes on, as they were written: `[name, value, name, value, …]`. */
export function endToEnd(raw: readonly string[], ...without: string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const [name = '', value = ''] = raw.slice(index, index + 2)
    const lower = name.toLowerCase()
    if (!HOP_BY_HOP.has(lower) && !without.includes(lower)) kept.push(name, value)
  }
  return kept
}

/** The start of an answer, as it stands on the wire. */
export function headOf(answer: IncomingMessage, rawHeaders: readonly string[] = answer.rawHeaders): string {
  const { statusCode = 502, statusMessage = '' } = answer
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`]
  for (let index = 0; index < rawHeaders.length; index += 2) lines.push(rawHeaders.slice(index, index + 2).join(': '))
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Answers as proxies do that know nothing of the server behind them: a page of their own. */
export function answerAlone(status: number, response: ServerResponse): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end(pageOf(status))
}

/** The same to a wish to upgrade, after which the connection ends. */
export function answerUpgradeAlone(status: number, client: Socket): void {
  const page = pageOf(status)
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: text/html\r\nconnection: close\r\n`
  client.end(`${head}content-length: ${Buffer.byteLength(page)}\r\n\r\n${page}`)
}

function pageOf(status: number): string {
  return `<!doctype html><title>${status}</title><h1>${status} ${STATUS_CODES[status] ?? ''}</h1>`
}
