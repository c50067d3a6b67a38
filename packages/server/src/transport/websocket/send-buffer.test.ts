import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { Turn } from '../../hub/turn.ts'
import { SendBuffer } from './send-buffer.ts'
import { textFrames } from './text-frame.ts'

// Not in the library's types.
const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable }

/** A stream that keeps what was written to it, and takes it at once or never. */
class Wire extends Writable {
  readonly pieces: Buffer[] = []
  readonly #takes: boolean

  constructor(takes: boolean) {
    super()
    this.#takes = takes
  }

  override _write(piece: Buffer, _encoding: string, taken: () => void): void {
    this.pieces.push(piece)
    if (this.#takes) taken()
  }
}

function world({ takes = true, limit = 100_000 } = {}) {
  const ends: (() => void)[] = []
  const turn = new Turn((task) => void ends.push(task))
  const make = (readyState: number = ws.WebSocket.OPEN) => {
    const raw = new Wire(takes)
    const socket = { readyState, OPEN: ws.WebSocket.OPEN } as unknown as ws.WebSocket
    let drained = 0
    const onDrain = () => {
      drained += 1
    }
    const out = new SendBuffer({ socket, raw: raw as never, turn, limit, onDrain })
    return { raw, out, drained: () => drained }
  }
  const endTurn = () => {
    for (const end of ends.splice(0)) end()
  }
  return { make, endTurn }
}

describe('SendBuffer', () => {
  it('[WS30] what comes in one turn is one write, made once for all that get the same', () => {
    const { make, endTurn } = world()
    const [a, b, c] = [make(), make(), make()]
    const frames = ['1', '2', '3'].map((text) => textFrames([text]))
    for (const frame of frames) for (const { out } of [a, b]) out.write(frame)
    c.out.write(frames[0] ?? Buffer.alloc(0))
    expect(a.raw.pieces).toEqual([])
    endTurn()
    expect([a, b, c].map(({ raw }) => raw.pieces.length)).toEqual([1, 1, 1])
    expect(a.raw.pieces[0]).toEqual(Buffer.concat(frames))
    expect(a.raw.pieces[0]).toBe(b.raw.pieces[0])
    expect(c.raw.pieces[0]).toBe(frames[0])
    a.out.write(frames[1] ?? Buffer.alloc(0))
    endTurn()
    expect([a.raw.pieces.length, b.raw.pieces.length]).toEqual([2, 1])
  })

  it('[WS30] is full from its limit on, whether the turn has ended or not, and counts what was taken', () => {
    const { make, endTurn } = world({ takes: false })
    const { out } = make()
    const frame = textFrames(['x'.repeat(30_000)])
    for (let n = 0; n < 3; n += 1) out.write(frame)
    expect([out.isFull, out.bytes, out.taken]).toEqual([false, 3 * frame.length, 0])
    out.write(frame)
    expect(out.isFull).toBe(true)
    endTurn()
    expect([out.isFull, out.bytes, out.taken]).toEqual([true, 4 * frame.length, 0])
  })

  it('[WS30] says that there is room again, also where the system takes it all at once', async () => {
    const { make, endTurn } = world()
    const { out, drained } = make()
    out.write(textFrames(['x'.repeat(50_000)]))
    endTurn()
    expect(drained()).toBe(0)
    for (let n = 0; n < 3; n += 1) out.write(textFrames(['x'.repeat(50_000)]))
    expect(out.isFull).toBe(true)
    endTurn()
    await new Promise((resolve) => setImmediate(resolve))
    expect([out.isFull, drained() > 0]).toEqual([false, true])
  })

  it('[WS30] says nothing after the close frame', () => {
    const { make, endTurn } = world()
    const { raw, out } = make(ws.WebSocket.CLOSING)
    out.write(textFrames(['1']))
    endTurn()
    expect([raw.pieces, out.bytes]).toEqual([[], 0])
  })
})

describe('textFrames', () => {
  it('[WS30] a frame made once is what any WebSocket reads, whatever its length', async () => {
    const texts = [
      '',
      'ä€𝄞',
      'x'.repeat(125),
      'x'.repeat(126),
      'ä'.repeat(32_767),
      'x'.repeat(65_536),
      'x'.repeat(200_000),
    ]
    const read: string[] = []
    const receiver = new Receiver({ isServer: false })
    receiver.on('message', (data: Buffer) => read.push(String(data)))
    receiver.write(textFrames(texts))
    await new Promise((resolve) => setImmediate(resolve))
    expect(read).toEqual(texts)
  })
})
