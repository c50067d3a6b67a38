import { expect, it } from 'vitest'
import { ChannelSubscriptions } from './channel-subscriptions.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Streams of one letter go over the channel of that letter. */
function open() {
  const active: string[][] = []
  const failed: string[] = []
  const subscriptions = new ChannelSubscriptions({
    always: ['always'],
    channelOf: (stream) => stream.slice(0, 1),
    onActive: (streams) => active.push([...streams]),
    onFailed: ({ message }) => failed.push(message),
  })
  return { subscriptions, active, failed }
}

/** A line that answers when it is told to. */
function slowLine() {
  const asked: { on: readonly string[]; off: readonly string[]; answer: () => void; fail: (error: Error) => void }[] =
    []
  const change = (on: readonly string[], off: readonly string[]) =>
    new Promise<void>((answer, fail) => asked.push({ on, off, answer, fail }))
  return { asked, change }
}

it('[BROK2] a stream is active once the line has answered, and not before', async () => {
  const { subscriptions, active } = open()
  const { asked, change } = slowLine()
  subscriptions.add('a1')
  const resumed = subscriptions.resume(change)
  expect(asked.map(({ on }) => on)).toEqual([['always', 'a']])
  subscriptions.add('b1')
  await turn()
  expect(asked).toHaveLength(1)
  asked[0]?.answer()
  await resumed
  await turn()
  subscriptions.add('b2')
  subscriptions.add('a2')
  await turn()
  // While one change is under way the next gathers.
  expect([asked.map(({ on }) => on), active]).toEqual([[['always', 'a'], ['b']], []])
  asked[1]?.answer()
  await turn()
  // Their channels are there already.
  expect([asked.length, active]).toEqual([2, [['b1'], ['b2', 'a2']]])
})

it('[BROK3] what is asked for and taken back while the line is asked is asked for as it was left', async () => {
  const { subscriptions, active } = open()
  const { asked, change } = slowLine()
  const resumed = subscriptions.resume(change)
  asked[0]?.answer()
  await resumed
  subscriptions.add('a1')
  await turn()
  subscriptions.remove('a1')
  subscriptions.add('b1')
  subscriptions.remove('b1')
  subscriptions.add('c1')
  asked[1]?.answer()
  await turn()
  expect(active).toEqual([])
  expect(asked.slice(1).map(({ on, off }) => [on, off])).toEqual([
    [['a'], []],
    [['c'], ['a']],
  ])
  asked[2]?.answer()
  await turn()
  expect([active, subscriptions.streamsOf('a'), subscriptions.streamsOf('c')]).toEqual([[['c1']], [], ['c1']])
})

it('[BROK8] a line that fails late does no harm to the next', async () => {
  const { subscriptions, active, failed } = open()
  const [first, second] = [slowLine(), slowLine()]
  const resumed = subscriptions.resume(first.change)
  first.asked[0]?.answer()
  await resumed
  subscriptions.add('a1')
  await turn()
  subscriptions.suspend()
  subscriptions.add('b1')
  const again = subscriptions.resume(second.change)
  expect(second.asked[0]?.on).toEqual(['always', 'a', 'b'])
  second.asked[0]?.answer()
  await again
  subscriptions.add('c1')
  await turn()
  first.asked[1]?.fail(new Error('lost'))
  await turn()
  expect(second.asked[1]?.on).toEqual(['c'])
  second.asked[1]?.answer()
  await turn()
  expect([active, failed]).toEqual([[['c1']], []])
  // One of its own is its own.
  subscriptions.add('d1')
  await turn()
  second.asked[2]?.fail(new Error('refused'))
  await turn()
  expect(failed).toEqual(['refused'])
})

it('[BROK8] a line that answers late answers for itself alone', async () => {
  const { subscriptions, active } = open()
  const [first, second] = [slowLine(), slowLine()]
  const resumed = subscriptions.resume(first.change)
  first.asked[0]?.answer()
  await resumed
  subscriptions.add('a1')
  await turn()
  subscriptions.suspend()
  subscriptions.remove('a1')
  const again = subscriptions.resume(second.change)
  second.asked[0]?.answer()
  await again
  first.asked[1]?.answer()
  await turn()
  subscriptions.add('a2')
  await turn()
  expect([second.asked[1]?.on, active]).toEqual([['a'], []])
})
