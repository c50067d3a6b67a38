import { expect, it } from 'vitest'
import { appended, at } from './fixtures/heard.ts'
import { Outgoing, type Parcel, type SendParcel } from './outgoing.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

function open() {
  const world = { send: null as SendParcel | null, errors: [] as string[] }
  const outgoing = new Outgoing({
    textPerStream: 0,
    spillOf: (stream) => stream.slice(0, 1),
    send: () => world.send,
    onError: ({ message }) => world.errors.push(message),
  })
  return { world, outgoing }
}

/** Answers when it is told to. */
function slowLine() {
  const sent: (Parcel & { answer: () => void; fail: (error: Error) => void })[] = []
  const send: SendParcel = (parcel) => new Promise<void>((answer, fail) => sent.push({ ...parcel, answer, fail }))
  return { sent, send }
}

it('[BROK4] while one parcel is under way the next gathers', async () => {
  const { world, outgoing } = open()
  const { sent, send } = slowLine()
  world.send = send
  outgoing.publish([appended('a', 1)])
  outgoing.publish([appended('b', 1)])
  await turn()
  for (let seq = 2; seq <= 100; seq += 1) outgoing.publish([appended('a', seq)])
  outgoing.command({ type: 'runs_due' })
  outgoing.command({ type: 'runs_due' })
  await turn()
  expect(sent.length).toBe(1)
  expect(sent[0]?.signals.map(({ stream, tail }) => [stream, tail])).toEqual([
    ['a', at(1)],
    ['b', at(1)],
  ])
  sent[0]?.answer()
  await turn()
  expect(sent[1]).toMatchObject({
    signals: [{ stream: 'a', tail: at(100) }],
    commands: [{ type: 'runs_due' }],
    spilled: [],
  })
  sent[1]?.answer()
  await outgoing.close(send)
  expect(sent.length).toBe(2)
})

it('[BROK8] what was under way when the line broke, or came while it was down, is looked for once it is back', async () => {
  const { world, outgoing } = open()
  const [first, second] = [slowLine(), slowLine()]
  world.send = first.send
  outgoing.publish([appended('a1', 1)])
  await turn()
  world.send = null
  outgoing.publish([appended('b1', 1), appended('b2', 1)])
  outgoing.command({ type: 'runs_due' })
  // Back, before the old one says that it is gone.
  world.send = second.send
  outgoing.resume()
  outgoing.publish([appended('c1', 1)])
  await turn()
  first.sent[0]?.fail(new Error('lost'))
  await turn()
  expect(second.sent).toMatchObject([{ signals: [{ stream: 'c1' }], commands: [] }])
  expect([...(second.sent[0]?.spilled ?? [])].sort()).toEqual(['a', 'b'])
  second.sent[0]?.answer()
  await turn()
  expect(second.sent.length).toBe(1)
})

it('[BROK8] what is refused is tried again with what comes next, and told once', async () => {
  const { world, outgoing } = open()
  const { sent, send } = slowLine()
  world.send = send
  for (const [index, stream] of ['x', 'y', 'z'].entries()) {
    outgoing.publish([appended(stream, 1)])
    await turn()
    sent[index]?.fail(new Error('refused'))
    await turn()
    expect(sent.length).toBe(index + 1)
  }
  expect(world.errors).toEqual(['refused'])
  outgoing.publish([appended('b', 1)])
  await turn()
  expect(sent[3]?.signals).toMatchObject([{ stream: 'b' }])
  expect([...(sent[3]?.spilled ?? [])].sort()).toEqual(['x', 'y', 'z'])
  sent[3]?.answer()
  await turn()
  outgoing.publish([appended('b', 2)])
  await turn()
  sent[4]?.fail(new Error('again'))
  await turn()
  expect(world.errors).toEqual(['refused', 'again'])
})
