import { expect, it } from 'vitest'
import { appended, at, removal } from './fixtures/heard.ts'
import { SignalGathering } from './signal-gathering.ts'

const gathering = (textPerStream = 100) => {
  const spilled: string[] = []
  const made = new SignalGathering({ textPerStream, onSpill: (stream) => spilled.push(stream) })
  return { made, spilled }
}

it('[BROK4] events are gathered where they adjoin and are small; otherwise the position alone', () => {
  const { made } = gathering()
  const add = (seq: number, text: string) => made.add([appended('s', seq, { events: [text] })])
  add(1, 'a')
  add(2, 'b')
  expect(made.take()).toEqual([{ stream: 's', after: at(0), tail: at(2), events: ['a', 'b'], sealed: false }])
  expect([made.isEmpty, made.take()]).toEqual([true, []])

  add(3, 'x'.repeat(101))
  expect(made.take()).toEqual([{ stream: 's', after: at(3), tail: at(3), events: [], sealed: false }])
  // What comes after a large one travels again.
  add(3, 'x'.repeat(60))
  add(4, 'x'.repeat(60))
  add(5, 'y')
  expect(made.take()).toEqual([{ stream: 's', after: at(4), tail: at(5), events: ['y'], sealed: false }])
  // A gap.
  add(6, 'a')
  add(8, 'c')
  expect(made.take()).toEqual([{ stream: 's', after: at(8), tail: at(8), events: [], sealed: false }])
})

it('[BROK4] commits come in any order: the last tail stays, an end is not lost, and a removal ends only its own life', () => {
  const { made } = gathering()
  made.add([appended('s', 2, { sealed: true }), appended('s', 1)])
  expect(made.take()).toMatchObject([{ tail: at(2), sealed: true }])
  made.add([
    appended('s', 1),
    removal('s', 1),
    { ...appended('s', 1), after: at(0, 2), tail: at(1, 2) },
    removal('s', 1),
  ])
  expect(made.take()).toMatchObject([
    { tail: at(1), removed: true },
    { tail: at(1, 2), sealed: false, events: ['{"n":1}'] },
  ])
  // The next life is heard of before the end of the last.
  made.add([appended('s', 1, { sealed: true }), { ...appended('s', 1), after: at(0, 2), tail: at(1, 2) }])
  expect(made.take()).toMatchObject([{ tail: at(1, 2), sealed: false }])
})

it('[BROK8] what is gathered is bounded, in streams and in text', () => {
  const { made, spilled } = gathering()
  for (let index = 0; index < 25_000; index += 1) {
    made.add([appended(`s${index}`, 1, { events: ['x'.repeat(100)] })])
  }
  const taken = made.take()
  expect([taken.length, spilled.length]).toEqual([10_000, 15_000])
  expect(taken.flatMap(({ events }) => events).join('').length).toBeLessThanOrEqual(1_600)
  // Room again.
  made.add([appended('t', 1, { events: ['x'.repeat(100)] })])
  expect(made.take()[0]?.events).toHaveLength(1)
})
