import { defineStream, formatOffset, isHoldfastError, parseOffset } from '@holdfast/protocol'
import { createTestStore, ManualClock, projectGround, type TestStore } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Database } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { GarbageCollector } from './garbage.ts'
import { LastUse } from './last-use.ts'
import { Lineages } from './lineage.ts'
import { logMigrations } from './log-migrations.ts'
import { EventReader } from './read-events.ts'
import { Retention } from './retention.ts'
import { Snapshots } from './snapshots.ts'
import { SqlStreamLog } from './sql-stream-log.ts'
import { StreamsTable } from './streams-table.ts'

// A store of its own for each, which on PostgreSQL costs more than the run.
const RUNS = projectGround().store === 'postgres' ? 15 : 100

/** A stream as a plain list, and up to where it is the history of others. */
interface Model {
  id: number
  events: string[]
  head: number
  sealed: boolean
  deleted: boolean
  sources: Map<number, number>
}

type Step =
  | { do: 'make'; name: string; count: number }
  | { do: 'append'; name: string; count: number; seal: boolean }
  | { do: 'fork'; name: string; source: string; at: number }
  | { do: 'remove'; name: string }
  | { do: 'trim'; name: string; keep: number }
  | { do: 'collect' }
  | { do: 'read'; name: string; of: string; at: number; limit: number }

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f']
const name = fc.constantFrom(...NAMES)
// Folded into the length of the stream it is a place in, and a little beyond.
const at = fc.nat(99)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('make' as const), name, count: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      name,
      count: fc.integer({ min: 1, max: 4 }),
      seal: seldom(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('fork' as const), name, source: name, at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('trim' as const), name, keep: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'collect' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      name,
      of: name,
      at,
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
)

function seldom(): fc.Arbitrary<boolean> {
  return fc.nat(9).map((n) => n === 0)
}

/** What a call came to: its value, or the code of its refusal. */
async function outcome<T>(call: Promise<T>): Promise<T | string> {
  try {
    return await call
  } catch (error) {
    if (isHoldfastError(error)) return error.code
    throw error
  }
}

/** The log beside a model of it, both taking the same steps. */
class World {
  readonly #store: TestStore
  readonly #db: Database
  readonly #log: SqlStreamLog
  readonly #models = new Map<string, Model>()
  readonly #streams: StreamsTable
  readonly #retention: Retention
  readonly #garbage: GarbageCollector
  #written = 0

  private constructor(store: TestStore, db: Database) {
    const clock = new ManualClock()
    this.#store = store
    this.#db = db
    this.#log = new SqlStreamLog(db, clock)
    this.#streams = new StreamsTable(db, new LastUse({ clock, hasReaders: () => false, shared: false }))
    this.#retention = new Retention(db, clock, new Snapshots(db, new EventReader(db, new Lineages(db))))
    this.#garbage = new GarbageCollector(db)
  }

  static async open(): Promise<World> {
    const store = await createTestStore(projectGround())
    const db = await store.openDatabase('')
    await migrateUp(db, logMigrations, 0)
    return new World(store, db)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.close()
    await this.#store[Symbol.asyncDispose]()
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'make':
        return this.#make(step.name, this.#texts(step.count))
      case 'append':
        return this.#append(step.name, this.#texts(step.count), step.seal)
      case 'fork':
        return this.#fork(step)
      case 'remove':
        return this.#remove(step.name)
      case 'trim':
        return this.#trim(step.name, step.keep)
      case 'collect':
        while (await this.#garbage.collect());
        return
      case 'read':
        return this.#read(step)
    }
  }

  /** Every stream is there or not, and reads page by page as the model does. */
  async check(): Promise<void> {
    for (const name of NAMES) {
      const model = this.#models.get(name)
      const info = await outcome(this.#log.info(name))
      if (!model || model.deleted) {
        expect(info, name).toBe(model ? 'STREAM_GONE' : null)
        continue
      }
      const { id, events, head, sealed } = model
      const place = (seq: number) => formatOffset({ incarnation: id, seq })
      expect(info, name).toMatchObject({ incarnation: id, head: place(head), tail: place(events.length), sealed })
      const read: string[] = []
      for (let after: string | null = null; ; ) {
        const page = await this.#log.read(name, after, { maxEvents: 3 })
        read.push(...page.events)
        after = page.offset
        if (page.upToDate) break
      }
      expect(read, name).toEqual(events.slice(head))
    }
  }

  async #make(name: string, messages: string[]): Promise<void> {
    const model = this.#models.get(name)
    const made = await outcome(this.#log.ensure(name, { messages }))
    const same = model && !model.deleted && !model.sealed && model.sources.size === 0
    if (model) expect(made).toEqual(same ? expect.objectContaining({ created: false }) : 'STREAM_EXISTS')
    else this.#keep(name, made, { events: messages, head: 0, sources: new Map() })
  }

  async #append(name: string, messages: string[], seal: boolean): Promise<void> {
    const model = this.#models.get(name)
    const answer = await outcome(this.#log.appendFrom(name, { messages, contentType: 'application/json', seal }))
    if (!model || model.deleted) return expect(answer).toBe(model ? 'STREAM_GONE' : 'NOT_FOUND')
    expect(answer).toMatchObject({ type: model.sealed ? 'sealed' : 'appended' })
    if (model.sealed) return
    model.events.push(...messages)
    model.sealed = seal
  }

  async #fork({ name, source, at: anywhere }: Step & { do: 'fork' }): Promise<void> {
    const of = this.#models.get(source)
    const at = anywhere % ((of?.events.length ?? 0) + 2)
    const offset = formatOffset({ incarnation: of?.id ?? 999_999, seq: at })
    const made = await outcome(this.#log.ensure(name, { fork: { source, offset } }))
    if (this.#models.has(name)) {
      // Made again as it is, or refused: either way nothing changes, which `check` sees.
      if (made !== 'STREAM_EXISTS') expect(made).toMatchObject({ created: false })
    } else if (!of || of.deleted) expect(made).toBe(of ? 'STREAM_EXISTS' : 'NOT_FOUND')
    else if (at > of.events.length || at < of.head) expect(made).toBe('INVALID_INPUT')
    else {
      const sources = new Map([...of.sources].map(([id, upTo]) => [id, Math.min(upTo, at)]))
      this.#keep(name, made, { events: of.events.slice(0, at), head: of.head, sources: sources.set(of.id, at) })
    }
  }

  async #remove(name: string): Promise<void> {
    const model = this.#models.get(name)
    const removed = await outcome(this.#log.remove(name))
    expect(removed).toBe(!model ? 'NOT_FOUND' : model.deleted ? 'STREAM_GONE' : undefined)
    if (!model || model.deleted) return
    model.deleted = true
    const used = (id: number) => [...this.#models.values()].some(({ deleted, sources }) => !deleted && sources.has(id))
    for (const [key, { id, deleted }] of this.#models) if (deleted && !used(id)) this.#models.delete(key)
  }

  async #trim(name: string, keep: number): Promise<void> {
    const model = this.#models.get(name)
    const row = await this.#streams.row(name)
    if (!model || model.deleted || !row) return
    const trimmed = await outcome(this.#retention.trim(keeping(keep), row))
    // A fork of what was trimmed already has no snapshot of its own, and nothing to make one of.
    if (trimmed === 'NO_FOLD') return expect([model.sources.size > 0, model.head > 0]).toEqual([true, true])
    model.head = Math.max(model.head, model.events.length - keep)
  }

  async #read({ name, of, at: anywhere, limit }: Step & { do: 'read' }): Promise<void> {
    const model = this.#models.get(name)
    const other = this.#models.get(of)
    const id = other?.id ?? 999_999
    const at = anywhere % ((other?.events.length ?? 0) + 2)
    const page = await outcome(this.#log.read(name, formatOffset({ incarnation: id, seq: at }), { maxEvents: limit }))
    if (!model || model.deleted) return expect(page).toBe(model ? 'STREAM_GONE' : 'NOT_FOUND')
    const upTo = id === model.id ? model.events.length : (model.sources.get(id) ?? -1)
    if (at > upTo || at < model.head) return expect(page).toBe('OFFSET_GONE')
    const events = model.events.slice(at, at + limit)
    const reached = at + events.length
    expect(page).toEqual({
      after: formatOffset({ incarnation: model.id, seq: at }),
      offset: formatOffset({ incarnation: model.id, seq: reached }),
      events,
      upToDate: reached === model.events.length,
      sealed: model.sealed && reached === model.events.length,
    })
  }

  #keep(name: string, made: unknown, model: Pick<Model, 'events' | 'head' | 'sources'>): void {
    expect(made).toMatchObject({ created: true })
    const { info } = made as { info: { tail: string } }
    const { incarnation: id } = parseOffset(info.tail) ?? { incarnation: 0 }
    this.#models.set(name, { ...model, id, sealed: false, deleted: false })
  }

  #texts(count: number): string[] {
    return Array.from({ length: count }, () => {
      this.#written += 1
      return `${this.#written}`
    })
  }
}

function keeping(events: number) {
  return defineStream('kept/:id', { version: 1, events: {}, initial: 0, fold: () => 0, retain: { events } })
}

describe('the log against its model', () => {
  it('[LOG16] any mix of making, appending, forking, trimming, deleting and reading is what plain lists would give', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        await using world = await World.open()
        for (const step of steps) {
          await world.take(step)
          await world.check()
        }
      }),
      { numRuns: RUNS },
    )
  }, 60_000)
})
