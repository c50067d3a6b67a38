import { ManualClock } from '@holdfast/testing'
import { expect, it } from 'vitest'
import { KeptLine } from './kept-line.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

interface Opening {
  lost: (error: Error) => void
  signal: AbortSignal
  opened: (session: number) => void
  failed: (error: Error) => void
}

function open() {
  const clock = new ManualClock()
  const openings: Opening[] = []
  const probes: { answered: (value: unknown) => void; refused: (error: Error) => void }[] = []
  const said: string[] = []
  const line = new KeptLine<number>({
    open: (lost, signal) => new Promise((opened, failed) => openings.push({ lost, signal, opened, failed })),
    probe: () => new Promise((answered, refused) => probes.push({ answered, refused })),
    drop: (session) => said.push(`drop ${session}`),
    onUp: (session) => said.push(`up ${session}`),
    onDown: () => said.push('down'),
    onError: ({ message }) => said.push(message),
    clock,
    random: () => 0,
  })
  line.open()
  /** The newest, once there are so many. */
  const opening = (count: number) => {
    expect(openings).toHaveLength(count)
    return openings[count - 1] as Opening
  }
  return { clock, line, said, opening, probes }
}

it('[BROK8] each time the line is lost is told once, however often it cannot be opened', async () => {
  const { clock, said, opening, probes } = open()
  opening(1).failed(new Error('refused'))
  await turn()
  clock.advance(50)
  opening(2).failed(new Error('refused again'))
  await turn()
  clock.advance(100)
  opening(3).opened(1)
  await turn()
  opening(3).lost(new Error('broken'))
  opening(3).lost(new Error('broken twice'))
  // Lost right after it was opened: the pauses go on growing.
  clock.advance(199)
  opening(3)
  clock.advance(1)
  opening(4).opened(2)
  await turn()
  clock.advance(2_000)
  probes[0]?.answered(1)
  await turn()
  opening(4).lost(new Error('broken later'))
  // It had answered: they begin anew.
  clock.advance(50)
  opening(5)
  expect(said).toEqual(['refused', 'up 1', 'drop 1', 'down', 'broken', 'up 2', 'drop 2', 'down', 'broken later'])
})

it('[BROK8] of a line that cannot be opened the first that was heard is told, for that says why', async () => {
  const { said, opening } = open()
  opening(1).lost(new Error('connect ECONNREFUSED'))
  opening(1).failed(new Error('Connection is closed.'))
  await turn()
  expect(said).toEqual(['connect ECONNREFUSED'])
})

it('[BROK8] one that breaks in the moment it is opened is none, and one that opens too late is let go of', async () => {
  const { clock, line, said, opening } = open()
  opening(1).opened(1)
  opening(1).lost(new Error('broken'))
  await turn()
  expect([line.session, said]).toEqual([null, ['drop 1', 'broken']])
  clock.advance(50)
  const { signal, opened } = opening(2)
  clock.advance(10_000)
  expect(signal.aborted).toBe(true)
  opened(2)
  await turn()
  clock.advance(100)
  opening(3)
  expect(line.session).toBe(null)
})

it('[BROK9] one that is closed is not opened again', async () => {
  const { clock, line, said, opening } = open()
  const { signal, opened } = opening(1)
  expect(line.close()).toBe(null)
  expect(signal.aborted).toBe(true)
  opened(1)
  await turn()
  line.open()
  clock.advance(60_000)
  opening(1)
  expect([line.session, said, clock.pending]).toEqual([null, [], 0])
})

it('[BROK11] it is asked every two seconds whether it is there, and has three to say so', async () => {
  const { clock, line, said, opening, probes } = open()
  opening(1).opened(1)
  await turn()
  for (let time = 1; time <= 10; time += 1) {
    clock.advance(2_000)
    expect(probes).toHaveLength(time)
    clock.advance(2_999)
    probes.at(-1)?.answered('whatever')
    await turn()
  }
  expect([line.session, said]).toEqual([1, ['up 1']])
  clock.advance(2_000)
  clock.advance(2_999)
  expect(line.session).toBe(1)
  clock.advance(1)
  expect([line.session, said]).toEqual([null, ['up 1', 'drop 1', 'down', 'the line is silent']])
  // An answer that comes too late is nobody's.
  clock.advance(50)
  opening(2).opened(2)
  await turn()
  probes.at(-1)?.answered('late')
  await turn()
  clock.advance(2_000)
  probes.at(-1)?.refused(new Error('not there'))
  await turn()
  expect(said.slice(4)).toEqual(['up 2', 'drop 2', 'down', 'not there'])
})
