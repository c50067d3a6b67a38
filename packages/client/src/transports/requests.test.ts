import { describe, expect, it, vi } from 'vitest'
import { at, FakeWorld, problem } from '../fixtures/fake-world.ts'
import { RequestTransport } from './requests.ts'

const READ = '/v1/read'
const wanted = [{ stream: 's', from: at(1) }]
const caughtUp = { type: 'up_to_date', stream: 's', after: at(1), offset: at(1) }

function open(name: 'sse' | 'long-poll' | 'poll', answer: FakeWorld['answer']) {
  const world = new FakeWorld()
  world.answer = answer
  const host = { world, wanted: () => wanted, opened: vi.fn(), frame: vi.fn(), failed: vi.fn(), refused: vi.fn() }
  const transport = new RequestTransport(name, host)
  world.clock.advance(0)
  return { world, host, transport }
}

/** An endless answer, in the test's hand. */
function stream() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  return { response: new Response(readable), say: (bytes: Uint8Array) => void writer.write(bytes), writer }
}

describe('reading by requests', () => {
  it('[CL6] one that is told to come later does not ask by another way at once', async () => {
    for (const name of ['sse', 'long-poll', 'poll'] as const) {
      const limited = problem('TOO_MANY_REQUESTS', 429, 'limit', true)
      const body = { ...(limited.body as object), retryAfter: 7 }
      const { world, host } = open(name, () => ({ status: 429, body }))
      await vi.waitFor(() => expect(host.failed).toHaveBeenCalledTimes(1))
      expect(host.failed).toHaveBeenCalledWith('unreachable', expect.objectContaining({ status: 429 }), 7000)
      expect(world.asked(READ)).toBe(1)
    }
  })

  it('[CL4] something on the way that limits requests says when to come back as well', async () => {
    const { host } = open(
      'poll',
      () => new Response('<h1>Slower</h1>', { status: 429, headers: { 'retry-after': '7' } }),
    )
    await vi.waitFor(() => expect(host.failed).toHaveBeenCalledTimes(1))
    expect(host.failed).toHaveBeenCalledWith('unreachable', expect.objectContaining({ retry: true }), 7000)
  })

  it('[CL4] one that waits comes back when a server that drains said so, and does not ask it on and on', async () => {
    const drain = { type: 'drain', retryAfterMs: 2310 }
    const { world, host } = open('long-poll', () => ({ body: { frames: [caughtUp, drain] } }))
    await vi.waitFor(() => expect(host.failed).toHaveBeenCalledWith('lost', undefined, 2310))
    expect(host.frame).toHaveBeenCalledExactlyOnceWith(caughtUp)
    expect(world.asked(READ)).toBe(1)
  })

  it('[X1c] takes frames however they are cut on the way: within characters, within lines, with other line breaks', async () => {
    const { response, say } = stream()
    const { world, host } = open('sse', () => response)
    await vi.waitFor(() => expect(world.asked(READ)).toBe(1))
    const frame = { type: 'events', stream: 's', after: at(1), offset: at(2), events: [{ text: 'Grüße, 世界 𝄞' }] }
    const welcome = { type: 'welcome', heartbeatMs: 15_000 }
    const text = `: hello\r\n\r\ndata:${JSON.stringify(welcome)}\r\n\r\ndata: ${JSON.stringify(frame)}\n\n`
    for (const byte of new TextEncoder().encode(text)) say(Uint8Array.of(byte))
    await vi.waitFor(() => expect(host.frame).toHaveBeenCalledExactlyOnceWith(frame))
    expect(host.opened).toHaveBeenCalledExactlyOnceWith(welcome)
  })

  it('[CL11] an answer that stays open and says nothing more has failed', async () => {
    const { response, say } = stream()
    const { world, host } = open('sse', () => response)
    say(new TextEncoder().encode('data:{"type":"welcome","heartbeatMs":15000}\n\n'))
    await vi.waitFor(() => expect(host.opened).toHaveBeenCalled())
    world.clock.advance(33_749)
    expect(host.failed).not.toHaveBeenCalled()
    world.clock.advance(1)
    expect(host.failed).toHaveBeenCalledExactlyOnceWith('silent', undefined, undefined)
  })

  it('[CL11] waits that are cut on the way make room for the next way, once may be chance', async () => {
    let asked = 0
    const { host } = open('long-poll', () => {
      asked += 1
      return asked === 1 ? { body: { frames: [caughtUp] } } : { status: 504 }
    })
    await vi.waitFor(() => expect(asked).toBe(2))
    expect(host.failed).not.toHaveBeenCalled()
    host.world.clock.advance(0)
    await vi.waitFor(() => expect(host.failed).toHaveBeenCalledTimes(1))
    expect(host.failed.mock.calls[0]?.[0]).toBe('silent')
  })
})
