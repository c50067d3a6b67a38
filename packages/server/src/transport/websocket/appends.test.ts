import { describe, expect, it } from 'vitest'
import type { AppendOutcome, AppendRequest, StreamLog } from '../../log/stream-log.ts'
import type { OutsideAppend } from '../outside-append.ts'
import { Appends } from './appends.ts'

/** A log whose answers take as long as they like, and an outside that never answers before it is told to. */
function world() {
  const asked: string[] = []
  const outcomes: ((outcome: AppendOutcome) => void)[] = []
  let wait = 10
  const log = {
    async info(name: string) {
      for (let turns = wait--; turns > 0; turns -= 1) await null
      return name === 'none' ? null : { contentType: 'application/json' }
    },
  } as unknown as StreamLog
  const outside = {
    append(stream: string, { messages }: AppendRequest) {
      asked.push(`${stream} ${messages.join()}`)
      return new Promise<AppendOutcome>((resolve) => outcomes.push(resolve))
    },
  } as unknown as OutsideAppend
  const appends = new Appends({ log, outside, maxEvents: 10 })
  const append = (stream: string, n: number) => {
    const frame = { type: 'append' as const, ref: n, stream, events: [n] }
    return appends.append(frame, JSON.stringify(frame))
  }
  return { asked, outcomes, append }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('Appends', () => {
  it('[WS21] are asked for in their order, however long the log takes, and none waits for an outcome', async () => {
    const { asked, outcomes, append } = world()
    const all = [append('s', 1), append('s', 2), append('t', 3), append('s', 4)]
    await settled()
    expect(asked.filter((text) => text.startsWith('s'))).toEqual(['s 1', 's 2', 's 4'])
    expect(asked).toContain('t 3')
    for (const resolve of outcomes) resolve({ type: 'appended', tail: 'x', sealed: false })
    expect((await Promise.all(all)).map(({ ref }) => ref)).toEqual([1, 2, 3, 4])
  })

  it('[WS20] one that is refused stops none of those after it', async () => {
    const { asked, outcomes, append } = world()
    const refused = append('none', 1)
    const next = append('none', 2)
    await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(next).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const [full, taken] = [append('s', 3), append('s', 4)]
    await settled()
    outcomes[0]?.({ type: 'sequence_conflict', last: 'b' })
    outcomes[1]?.({ type: 'duplicate', tail: 'x', sealed: true })
    await expect(full).rejects.toMatchObject({ code: 'SEQUENCE_CONFLICT' })
    expect(await taken).toEqual({ type: 'appended', ref: 4, stream: 's', offset: 'x', duplicate: true, sealed: true })
    expect(asked).toEqual(['s 3', 's 4'])
  })

  it('[WS20] a stream is looked up once, and again where it is another by now', async () => {
    let [looks, contentType] = [0, 'application/json']
    const log = {
      async info() {
        looks += 1
        return { contentType }
      },
    } as unknown as StreamLog
    const asked: AppendRequest[] = []
    const outside = {
      async append(_: string, request: AppendRequest): Promise<AppendOutcome> {
        asked.push(request)
        if (request.contentType !== contentType) return { type: 'content_type_mismatch', contentType }
        return { type: 'appended', tail: 'x', sealed: false }
      },
    } as unknown as OutsideAppend
    const appends = new Appends({ log, outside, maxEvents: 10 })
    const append = (event: unknown) => {
      const frame = { type: 'append' as const, ref: 1, stream: 's', events: [event] }
      return appends.append(frame, JSON.stringify(frame))
    }
    for (const event of [1, 'aGk=', 3]) await append(event)
    expect(looks).toBe(1)
    contentType = 'text/plain'
    await append('aGk=')
    await append('aGk=')
    expect(looks).toBe(2)
    await expect(append(1)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    contentType = 'application/json'
    await append({ n: 1 })
    expect(asked.at(-1)).toMatchObject({ contentType, messages: ['{"n":1}'] })
  })
})
