import { formatOffset, isHoldfastError, type Offset } from '@holdfast/protocol'
import { ManualClock, startPostgres, type TestPostgres } from '@holdfast/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, Write } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { openPostgresDatabase } from '../db/postgres-database.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'
import type { AppendRequest, StreamConfig } from './stream-log.ts'

/** A place is given by how many lives of a store it is back and by its number: the ids of two stores are not the same. */
interface Place {
  life: number
  seq: number
}

type Step =
  | { do: 'ensure'; name: string; config: Omit<StreamConfig, 'fork'> }
  | { do: 'fork'; name: string; source: string; at: Place | null; subOffset: number; ttl: number | null }
  | { do: 'append'; name: string; request: AppendRequest }
  | { do: 'append inside'; name: string; texts: string[]; seal: boolean }
  | { do: 'create inside'; name: string }
  | { do: 'remove'; name: string }
  | { do: 'read'; name: string; at: Place | null; maxEvents: number; maxLength: number }
  | { do: 'find'; at: Place }
  | { do: 'touch'; name: string }
  | { do: 'pass'; ms: number }

const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const seldom = fc.nat(15).map((n) => n === 0)
const NAMES = ['a', 'b', 'c\'"\\', 'd/😀 ']
// Mostly one, so that what came before matters.
const name = fc.oneof({ weight: 3, arbitrary: fc.constant('a') }, fc.constantFrom(...NAMES))
const types = fc.oneof(
  { weight: 6, arbitrary: fc.constant('application/json') },
  fc.constantFrom('Application/JSON; x=1', 'text/plain'),
)
const texts = (minLength: number) =>
  fc.array(
    fc.constantFrom('1', '{"a":"\\u0000"}', '"\\ud800"', '"ä😀\u2028"', `"${'x'.repeat(40)}"`, '{ "n" : 1e400 }'),
    {
      minLength,
      maxLength: 3,
    },
  )
const count = fc.oneof({ weight: 20, arbitrary: fc.nat(2) }, fc.constant(Number.MAX_SAFE_INTEGER))
const producer = fc.record({ id: fc.constantFrom('p', 'p', 'p', 'P', 'ü'), epoch: count, seq: count })
const lifetime = fc.constantFrom(
  ...([
    {},
    {},
    {},
    { ttl: 1 },
    { ttl: 10 },
    { expiresAt: 5_000 },
    { expiresAt: 1 },
    { ttl: 0 },
    { ttl: 1, expiresAt: 1 },
  ] as const),
)
const place = fc.record({ life: fc.nat(3), seq: fc.nat(7) })
const as = <Do extends Step['do']>(what: Do) => fc.constant(what)
// Without what is `undefined`: JSON and strict optional members know no such thing.
const whole = <T extends object>(value: T) => JSON.parse(JSON.stringify(value))

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ contentType: some(types), sealed: some(seldom), messages: some(texts(0)), lifetime })
      .chain(({ lifetime, ...config }) =>
        fc.record({ do: as('ensure'), name, config: fc.constant({ ...config, ...lifetime }) }),
      ),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: as('fork'), name, source: name, at: fc.option(place), subOffset: fc.constantFrom(0, 0, 0, 1, 2, 40) },
      ttl: fc.constantFrom(null, null, 5),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      ...{ do: as('append'), name },
      request: fc.record({
        ...{
          messages: fc.oneof({ weight: 8, arbitrary: texts(1) }, texts(0)),
          producer: fc.option(producer, { nil: undefined, freq: 2 }),
          seal: seldom,
        },
        contentType: fc.option(types, { nil: undefined, freq: 20 }),
        streamSeq: fc.option(fc.constantFrom('1', '10', '9', 'Z', 'a', 'ä', '\uffee', '😀'), {
          nil: undefined,
          freq: 1,
        }),
      }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: as('append inside'), name, texts: texts(1), seal: seldom }) },
  { weight: 1, arbitrary: fc.record({ do: as('create inside'), name }) },
  { weight: 2, arbitrary: fc.record({ do: as('remove'), name }) },
  {
    weight: 5,
    arbitrary: fc.record({
      ...{ do: as('read'), name, at: fc.option(place) },
      ...{ maxEvents: fc.integer({ min: 1, max: 4 }), maxLength: fc.constantFrom(1, 30, 1000) },
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: as('find'), at: place }) },
  { weight: 1, arbitrary: fc.record({ do: as('touch'), name }) },
  { weight: 3, arbitrary: fc.record({ do: as('pass'), ms: fc.constantFrom(1, 500, 4_000, 30_000) }) },
)

// Most of the steps want a stream.
const FIRST: Step = { do: 'ensure', name: 'a', config: {} }

/** A log that takes steps and says what came of each, with the lives of streams by the order they came to light. */
class Teller {
  readonly #log: SqlStreamLog
  readonly #db: Database
  readonly #clock = new ManualClock(0)
  readonly #prefix: string
  readonly #lives: number[] = []
  readonly #heard: unknown[] = []
  readonly stop: () => void

  constructor(db: Database, prefix: string) {
    this.#db = db
    this.#prefix = prefix
    this.#log = new SqlStreamLog(db, this.#clock)
    this.stop = db.onCommitted((committed) => this.#heard.push(...committed))
  }

  async tell(step: Step): Promise<string> {
    const answer = await this.#take(step).catch((error) => {
      if (!isHoldfastError(error)) throw error
      return { refused: error.code }
    })
    const told = JSON.stringify({ answer: answer ?? null, heard: this.#heard.splice(0) })
    return told
      .replaceAll(this.#prefix, '')
      .replace(/"incarnation":(\d+)/g, (_, id) => `"life":${this.#life(Number(id))}`)
      .replace(/\b(\d{16})(_\d{16})\b/g, (_, id, seq) => this.#life(Number(id)) + seq)
  }

  #take(step: Step): Promise<unknown> {
    const log = this.#log
    switch (step.do) {
      case 'ensure':
        return log.ensure(this.#name(step), whole(step.config))
      case 'fork': {
        const { at, subOffset, ttl } = step
        const place = at === null ? {} : { offset: this.#offset(at) }
        const fork = { source: this.#prefix + step.source, ...place, ...(subOffset > 0 ? { subOffset } : {}) }
        return log.ensure(this.#name(step), { fork, ...(ttl === null ? {} : { ttl }) })
      }
      case 'append':
        return log.appendFrom(this.#name(step), whole(step.request))
      case 'append inside':
        return this.#place(log.append(this.#name(step), step.texts, { seal: step.seal }))
      case 'create inside':
        return this.#db.commit([log.create(this.#name(step))]).then(() => null)
      case 'remove':
        return log.remove(this.#name(step))
      case 'read':
        return log.read(this.#name(step), step.at && this.#offset(step.at), step)
      case 'find':
        return log.findByOffset(this.#offset(step.at))
      case 'touch':
        return log.info(this.#name(step)).then((info) => info && log.touch(info))
      case 'pass':
        return Promise.resolve(this.#clock.advance(step.ms))
    }
  }

  /** Only where it went: the one store takes one statement for it, and the other two. */
  async #place(write: Write): Promise<unknown> {
    const [rows] = await this.#db.commit([write])
    return rows?.[0]
  }

  /** What there is in the end. */
  async all(): Promise<string[]> {
    const told: string[] = []
    for (const name of NAMES) {
      told.push(await this.tell({ do: 'read', name, at: null, maxEvents: 100, maxLength: 1e6 }))
    }
    const names = NAMES.map((name) => this.#prefix + name)
    return [...told, ...[...(await this.#log.tails(names))].map(([, { sealed }]) => String(sealed)).sort()]
  }

  #name({ name }: { name: string }): string {
    return this.#prefix + name
  }

  #offset({ life, seq }: Place): Offset {
    return formatOffset({ incarnation: this.#lives.at(-1 - life) ?? 9_999_999, seq })
  }

  #life(id: number): number {
    if (!this.#lives.includes(id)) this.#lives.push(id)
    return this.#lives.indexOf(id)
  }
}

let postgres: TestPostgres
let db: Database
beforeAll(async () => {
  postgres = await startPostgres()
  db = openPostgresDatabase({ connectionString: await postgres.createDatabase() })
  await migrateUp(db, logMigrations, 0)
})
afterAll(async () => {
  await db.close()
  await postgres[Symbol.asyncDispose]()
})

describe('the log on SQLite and on PostgreSQL', () => {
  it('[LOG25] whatever is asked, both answer the same and tell the same', async () => {
    const memory = openMemoryDatabase()
    await migrateUp(memory, logMigrations, 0)
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 120 }), async (steps) => {
        runs += 1
        const tellers = [memory, db].map((store) => new Teller(store, `run ${runs}: `))
        for (const step of [FIRST, ...(steps as Step[])]) {
          const [inMemory, onPostgres] = await Promise.all(tellers.map((teller) => teller.tell(step)))
          expect(onPostgres, JSON.stringify(step)).toBe(inMemory)
        }
        const [inMemory, onPostgres] = await Promise.all(tellers.map((teller) => teller.all()))
        expect(onPostgres).toEqual(inMemory)
        for (const { stop } of tellers) stop()
      }),
      { numRuns: 40 },
    )
  }, 120_000)
})
