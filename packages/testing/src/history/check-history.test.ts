import { defineStream, formatOffset } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.ts'
import { refused } from './doors/door.ts'
import { canonical, type Delivery, type FinalLog, History, type Outcome } from './history.ts'
import { Random } from './random.ts'

const at = (seq: number, incarnation = 7) => formatOffset({ incarnation, seq })
const text = (id: string) => canonical({ type: 'said', id })
const ABC = ['a', 'b', 'c'].map(text)

interface AppendGiven {
  producer?: string
  outcome?: Outcome
  seal?: boolean
  stale?: boolean
  sequence?: { epoch: number; seq: number }
  offset?: string
}

/** A history of one stream, in which things happen one after the other. */
class Told {
  readonly history = new History()
  log: FinalLog = { stream: 's', incarnation: 7, events: ABC, sealed: false }

  append(ids: string, { outcome = 'ok', offset, producer = 'p', ...rest }: AppendGiven = {}): this {
    const events = ids === '' ? [] : ids.split(' ').map(text)
    const append = this.history.invoke({ producer, stream: 's', events, ...rest })
    this.history.settle(append, outcome, offset === undefined ? {} : { offset })
    return this
  }

  read(...deliveries: (Partial<Delivery> & { ids?: string })[]): this {
    const reading = this.history.begin('r', 's', '-1')
    let position = 0
    for (const { ids = '', ...given } of deliveries) {
      const events = ids === '' ? [] : ids.split(' ').map(text)
      const after = given.after ?? at(position)
      position = Number((given.offset ?? at(position + events.length)).slice(17))
      const said = { manner: 'sse', upToDate: false, sealed: false }
      reading.deliveries.push({ ...said, events, offset: at(position), ...given, after })
    }
    return this
  }

  kept(ids: string, log: Partial<FinalLog> = {}): this {
    this.log = { ...this.log, events: ids.split(' ').map(text), ...log }
    return this
  }

  get found(): string[] {
    return [...new Set(checkHistory(this.history, [this.log]).map(({ kind }) => kind))]
  }
}

const abc = () => new Told().append('a').append('b').append('c')

describe('what producers were told, held against the log', () => {
  it('[HIST1] an acknowledged event that is missing is found, and one that is there twice', () => {
    expect(abc().found).toEqual([])
    expect(abc().kept('a c').found).toEqual(['lost'])
    expect(abc().kept('a b c b').found).toEqual(['doubled'])
    expect(abc().kept('a b b c').found).toEqual(['doubled'])
  })

  it('[HIST2] what was never answered may be there once or not at all, and whole', () => {
    const unanswered = () => new Told().append('a').append('b c', { outcome: 'unknown' })
    expect(unanswered().kept('a').found).toEqual([])
    expect(unanswered().kept('a b c').found).toEqual([])
    expect(unanswered().kept('a b c b c').found).toEqual(['doubled'])
    expect(unanswered().kept('a b').found).toEqual(['torn'])
    expect(new Told().append('b c').append('a', { outcome: 'unknown' }).kept('b a c').found).toEqual(['torn'])
  })

  it('[HIST3] what was refused, and what nobody appended, may not be there', () => {
    expect(abc().append('d', { outcome: 'fail' }).found).toEqual([])
    expect(abc().append('d', { outcome: 'fail' }).kept('a b c d').found).toEqual(['phantom'])
    expect(abc().kept('a b c x').found).toEqual(['phantom'])
    const stale = { stale: true, sequence: { epoch: 0, seq: 9 } }
    expect(abc().append('d', { ...stale, outcome: 'fail' }).found).toEqual([])
    expect(abc().append('d', stale).kept('a b c d').found).toEqual(['unfenced'])
  })

  it('[HIST15] UNAVAILABLE and STORAGE_FULL say that nothing was written, OUTCOME_UNKNOWN says nothing', () => {
    for (const code of ['UNAVAILABLE', 'STORAGE_FULL']) {
      expect(refused(code)).toEqual({ type: 'fail', code })
      expect(abc().append('d', { outcome: 'fail' }).kept('a b c d').found).toEqual(['phantom'])
    }
    expect(refused('OUTCOME_UNKNOWN')).toEqual({ type: 'unknown' })
  })

  it('[HIST15] an event is the same however its JSON is written, as a database writes it otherwise', () => {
    const written = canonical({ type: 'said', id: 'a', deep: { b: 1, a: [{ d: 1, c: 2 }] } })
    expect(canonical({ deep: { a: [{ c: 2, d: 1 }], b: 1 }, id: 'a', type: 'said' })).toBe(written)
    expect(canonical({ deep: { a: [{ c: 2, d: 1 }], b: 2 }, id: 'a', type: 'said' })).not.toBe(written)
    expect(canonical([1, 2])).not.toBe(canonical([2, 1]))
  })

  it('[HIST4] what was acknowledged before another was asked stands before it, whoever asked', () => {
    expect(abc().kept('a c b').found).toEqual(['reordered'])
    const two = new Told().append('a', { producer: 'one' }).append('b', { producer: 'two' })
    expect(two.kept('b a').found).toEqual(['reordered'])
    const atOnce = new Told()
    const [one, two_] = ['a', 'b'].map((id) => {
      return atOnce.history.invoke({ producer: id, stream: 's', events: [text(id)] })
    })
    if (one && two_) for (const append of [one, two_]) atOnce.history.settle(append, 'ok')
    expect(atOnce.kept('b a').found).toEqual([])
  })

  it('[HIST4] an idempotent producer keeps its order, also in what it never heard of again', () => {
    const sent = (seq: number) => ({ outcome: 'unknown' as const, sequence: { epoch: 0, seq } })
    const told = () => new Told().append('a', sent(0)).append('b', sent(1))
    expect(told().kept('a b').found).toEqual([])
    expect(told().kept('b a').found).toEqual(['reordered'])
    const free = new Told().append('a', { outcome: 'unknown' }).append('b', { outcome: 'unknown' })
    expect(free.kept('b a').found).toEqual([])
  })

  it('[HIST5] an acknowledged offset is that of the place', () => {
    expect(new Told().append('a b', { offset: at(2) }).append('c', { offset: at(3) }).found).toEqual([])
    expect(new Told().append('a b', { offset: at(1) }).append('c').found).toEqual(['offset'])
    expect(new Told().append('a b', { offset: at(2, 8) }).append('c').found).toEqual(['offset'])
  })

  it('[HIST6] nothing stands behind the end of a stream, and an end that was acknowledged holds', () => {
    const sealed = () => new Told().append('a').append('b c', { seal: true })
    expect(sealed().kept('a b c', { sealed: true }).found).toEqual([])
    expect(sealed().found).toEqual(['seal'])
    expect(sealed().append('d').kept('a b c d', { sealed: true }).found).toEqual(['seal'])
    expect(abc().kept('a b c', { sealed: true }).found).toEqual(['seal'])
    expect(abc().append('', { seal: true }).kept('a b c', { sealed: true }).found).toEqual([])
    expect(abc().append('', { seal: true, outcome: 'unknown' }).found).toEqual([])
  })
})

describe('what readers were given, held against the log', () => {
  it('[HIST7] a reader that was given the log, in whatever stretches, is in order', () => {
    expect(abc().read({ ids: 'a b' }, {}, { ids: 'c' }).found).toEqual([])
  })

  it('[HIST7] a gap is found: between two deliveries, within one, and at its end', () => {
    expect(abc().read({ ids: 'a' }, { ids: 'c', after: at(2), offset: at(3) }).found).toEqual(['gap'])
    expect(abc().read({ ids: 'a c', offset: at(3) }).found).toEqual(['gap'])
    expect(abc().read({ ids: 'a b', offset: at(3) }).found).toEqual(['gap'])
  })

  it('[HIST7] a double is found: a whole delivery, and an event within one', () => {
    expect(abc().read({ ids: 'a b' }, { ids: 'b', after: at(1), offset: at(2) }, { ids: 'c' }).found).toEqual([
      'doubled',
    ])
    expect(abc().read({ ids: 'a b' }, { ids: 'b c', offset: at(3) }).found).toEqual(['doubled'])
    expect(abc().read({ ids: 'a a b c', offset: at(3) }).found).toEqual(['doubled'])
  })

  it('[HIST7] another order is found, and an event that is not in the log', () => {
    expect(abc().read({ ids: 'b a c' }).found).toEqual(['reordered'])
    expect(abc().read({ ids: 'a x c' }).found).toEqual(['phantom'])
  })

  it('[HIST8] an offset of another history is found, one beyond the end, and one that goes back', () => {
    expect(abc().read({ ids: 'a b c', offset: at(3, 8) }).found).toEqual(['offset'])
    expect(abc().read({ ids: 'a b c' }, { ids: 'd' }).found).toEqual(['offset'])
    expect(abc().read({ ids: 'a b c' }, { offset: at(2) }).found).toContain('offset')
  })

  it('[HIST9] a reader that never came to the end is found, unless it went away', () => {
    const told = abc().read({ ids: 'a b' })
    expect(told.found).toEqual(['behind'])
    for (const reading of told.history.readings) reading.left = true
    expect(told.found).toEqual([])
    const ended = new Told().append('a b c', { seal: true }).kept('a b c', { sealed: true })
    expect(ended.read({ ids: 'a b c' }).found).toEqual(['behind'])
  })

  it('[HIST9] an end that is none is found, and whatever comes after an end', () => {
    expect(abc().read({ ids: 'a b', sealed: true }, { ids: 'c' }).found).toEqual(['seal', 'behind'])
    const ended = () => new Told().append('a b c', { seal: true }).kept('a b c', { sealed: true })
    expect(ended().read({ ids: 'a b c', sealed: true }).found).toEqual([])
    expect(ended().read({ ids: 'a b c', sealed: true }, { sealed: true }).found).toEqual(['seal'])
  })

  it('[HIST10] a reader told that there is no more has all that was acknowledged before it asked', () => {
    const told = new Told().append('a b c', { offset: at(3) })
    const asked = told.history.now()
    expect(told.read({ ids: 'a', upToDate: true, asked }, { ids: 'b c' }).found).toEqual(['stale'])
    const before = new Told()
    const early = before.history.now()
    before.append('a b c', { offset: at(3) })
    expect(before.read({ ids: 'a', upToDate: true, asked: early }, { ids: 'b c' }).found).toEqual([])
  })
})

describe('the state', () => {
  const words = defineStream('s', {
    version: 1,
    events: { said: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } } },
    initial: { ids: '' },
    fold: (state, event) => ({ ids: `${state.ids}${(event as { id?: string }).id}` }),
  })
  const check = (state: unknown, seq: number, sealed = false) => {
    const told = abc()
    told.history.states.push({ reader: 'r', stream: 's', state, offset: at(seq), sealed })
    return checkHistory(told.history, [told.log], () => words).map(({ kind }) => kind)
  }

  it('[HIST11] a state that is not the fold of the events before it is found', () => {
    expect(check({ ids: 'ab' }, 2)).toEqual([])
    expect(check({ ids: '' }, 0)).toEqual([])
    expect(check({ ids: 'ba' }, 2)).toEqual(['state'])
    expect(check({ ids: 'ab' }, 3)).toEqual(['state'])
    expect(check({ ids: 'abcd' }, 4)).toEqual(['state'])
    expect(check({ ids: 'abc' }, 3, true)).toEqual(['seal'])
  })
})

describe('the seed', () => {
  it('[HIST12] the same seed draws the same, another draws otherwise, and a fork disturbs nobody', () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 5 },
        (
          (random) => () =>
            random.int(0, 1e6)
        )(new Random(seed)),
      )
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    const random = new Random(3)
    const fork = random.fork()
    const next = new Random(3)
    next.fork().next()
    fork.next()
    fork.next()
    expect(random.next()).toBe(next.next())
  })
})
