import { systemClock } from '@holdfast/protocol'
import { statement } from '@holdfast/server'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import { openPostgresBroker } from '@holdfast/server/postgres-broker'
import { between, gate, untilStopped, useRunWorld } from '@holdfast/server/runs.contract'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CuttingProxy } from './history/cutting-proxy.ts'
import { Random } from './history/random.ts'
import { ManualClock } from './manual-clock.ts'
import { startPostgres, type TestPostgres } from './postgres.ts'
import { until } from './until.ts'

const HOUR_MS = 3_600_000

/** As seen by others only once it is committed. */
const STORIES = "SELECT e.seq FROM events e JOIN streams s ON s.id = e.stream_id WHERE s.name LIKE 'stories/%'"

const CLAIMED_ELSEWHERE = `
  INSERT INTO runs (id, name, version, input, stream, serial_key, root_id, status, worker, attempt, crashes, lease_until,
    due_at, created_at)
  VALUES ('early', 'story', 1, '{}', 's', 'k', 'early', 'working', 'other', 1, 0, holdfast_now() + 600000, 0, 0)`
const WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

let postgres: TestPostgres
let connectionString: string
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

/** What several nodes meet on a real PostgreSQL, by its own clock. */
describe('Runs of several nodes on the clock of PostgreSQL', () => {
  const world = useRunWorld(async () => {
    connectionString = await postgres.createDatabase()
    return async () => openPostgresDatabase({ connectionString, maxConnections: 8 })
  })
  const { definition, node } = world

  it('[RUN15] nobody takes a run over too early, hours apart as the nodes take the time', async () => {
    const stuck = gate()
    let attempts = 0
    world.work = async () => {
      attempts += 1
      await stuck.opened
    }
    const ahead = new ManualClock(Date.now() + 5 * HOUR_MS)
    const worker = await node({ clock: new ManualClock(Date.now() - 5 * HOUR_MS) })
    const other = await node({ clock: ahead })
    await worker.open()
    const { id, createdAt } = await worker.start(definition, { n: 1 })
    expect(Math.abs(createdAt - Date.now())).toBeLessThan(HOUR_MS)
    await until(() => attempts === 1)
    await other.open()
    // The worker's timers stand still, the other looks again and again, but no lease of 30 seconds has passed.
    for (let look = 0; look < 40; look += 1) {
      ahead.advance(10_000)
      await world.db.read(statement('SELECT 1 AS one'))
    }
    expect(await other.get(id)).toMatchObject({ attempt: 1, status: 'working' })
    stuck.open()
    await until(async () => (await other.get(id))?.status === 'done')
  })

  it('[RUN15] nobody holds a run too long whose clock is hours ahead', async () => {
    const stuck = gate()
    const begun: number[] = []
    world.work = async ({ run }) => {
      begun.push(performance.now())
      if (run.attempt === 1) await stuck.opened
    }
    const behind = new ManualClock(Date.now() - 5 * HOUR_MS)
    // Its timers never fire: as good as dead.
    const worker = await node({ clock: new ManualClock(Date.now() + 5 * HOUR_MS), leaseMs: 600 })
    const other = await node({ clock: behind, leaseMs: 600 })
    await worker.open()
    const { id } = await worker.start(definition, { n: 1 })
    await until(() => begun.length === 1)
    await other.open()
    await until(async () => {
      behind.advance(20)
      return (await other.get(id))?.status === 'done'
    })
    stuck.open()
    const [first = 0, second = 0] = begun
    // The lease began with the claim, a moment before the work.
    expect(second - first).toBeGreaterThan(500)
  })

  it('[RUN13] a claim passes over what another has in its hands, and does not wait for it', async () => {
    const order: string[] = []
    world.work = async ({ run }) => order.push(run.id)
    const runs = await node({ clock: systemClock })
    await runs.start(definition, { n: 1 }, { id: 'held', serialKey: 'k' })
    await runs.start(definition, { n: 2 }, { id: 'behind', serialKey: 'k' })
    const other = new pg.Client({ connectionString })
    await other.connect()
    await other.query('BEGIN')
    await other.query("SELECT id FROM runs WHERE id = 'held' FOR UPDATE")
    await runs.open()
    await runs.start(definition, { n: 3 }, { id: 'free' })
    await until(() => order.includes('free'))
    expect(order).toEqual(['free'])
    await other.query('ROLLBACK')
    await other.end()
    runs.wake()
    await until(() => order.length === 3)
    expect(order).toEqual(['free', 'held', 'behind'])
  })

  it('[RUN13] the second of two claims of one key at the same moment gives way, and looks again at once', async () => {
    world.work = async () => 'ok'
    const db = await world.connect()
    const refused: unknown[] = []
    const watched = between(db, {
      commit: (writes) =>
        db.commit(writes).catch((error) => {
          refused.push(error.code)
          throw error
        }),
    })
    const runs = await node({ db: watched })
    const other = new pg.Client({ connectionString })
    await other.connect()
    await other.query('BEGIN')
    await other.query(CLAIMED_ELSEWHERE)
    await runs.open()
    const late = await runs.start(definition, { n: 1 }, { serialKey: 'k' })
    await until(async () => (await world.db.read(statement(WAITING))).length > 0)
    await other.query('COMMIT')
    const free = await runs.start(definition, { n: 1 })
    await until(async () => (await runs.get(free.id))?.status === 'done')
    expect(refused).toEqual(['CONFLICT'])
    expect((await runs.get(late.id))?.status).toBe('queued')
    await other.query("UPDATE runs SET status = 'done', ended_at = 0, worker = NULL WHERE id = 'early'")
    await other.end()
    runs.wake()
    await until(async () => (await runs.get(late.id))?.status === 'done')
    expect(world.errors).toEqual([])
  })

  it('[RUN13] three nodes that claim, end and give back in each other’s way keep every line in order', async () => {
    const keys = 30
    const each = 10
    const working = new Map<string, string>()
    const clashes: string[] = []
    const finished = new Map<string, number[]>()
    const refused: unknown[] = []
    world.work = async ({ run, input, signal }) => {
      const key = run.serialKey ?? ''
      const before = working.get(key)
      if (before !== undefined) clashes.push(`${before} and ${run.id}`)
      working.set(key, run.id)
      try {
        await world.db.read(statement('SELECT 1 AS one'))
        signal.throwIfAborted()
        finished.set(key, [...(finished.get(key) ?? []), input.n])
      } finally {
        working.delete(key)
      }
    }
    const open = async () => {
      const db = await world.connect()
      const watched = between(db, {
        commit: (writes) =>
          db.commit(writes).catch((error) => {
            refused.push(error.code)
            throw error
          }),
      })
      const made = await node({ db: watched, clock: systemClock, tell: (word) => hear(word) })
      nodes.push(made)
      await made.open()
      return made
    }
    const nodes: Awaited<ReturnType<typeof node>>[] = []
    const hear = (word: Parameters<Awaited<ReturnType<typeof node>>['hear']>[0]) => {
      for (const each of nodes) each.hear(word)
    }
    const starter = await node({ tell: (word) => hear(word) })
    for (let count = 0; count < 3; count += 1) await open()
    const queue = async (key: number) => {
      for (let n = 0; n < each; n += 1) await starter.start(definition, { n }, { serialKey: `k${key}` })
    }
    const queued = Promise.all(Array.from({ length: keys }, (_, key) => queue(key)))
    // Nodes come and go meanwhile, and give back what they have.
    for (let round = 0; round < 3; round += 1) {
      const seen = [...finished.values()].flat().length
      await until(() => [...finished.values()].flat().length >= Math.min(seen + 20, keys * each))
      await nodes.shift()?.close()
      await open()
    }
    await queued
    await until(() => [...finished.values()].flat().length === keys * each)
    expect(clashes).toEqual([])
    const inOrder = Array.from({ length: each }, (_, n) => n)
    for (const ns of finished.values()) expect(ns).toEqual(inOrder)
    expect(refused.filter((code) => code !== 'CONFLICT')).toEqual([])
    expect(world.errors).toEqual([])
  })

  it('[RUN17] a cancel travels to the node that works by word of PostgreSQL alone', async () => {
    const brokers: ReturnType<typeof openPostgresBroker>[] = []
    const joined = async (name: string) => {
      const broker = openPostgresBroker({
        connectionString,
        nodeId: name,
        onError: (error) => world.errors.push(error),
      })
      brokers.push(broker)
      // Nobody looks by himself: no time passes on the clocks of these nodes.
      const made = await node({ tell: (word) => broker.send(word) })
      broker.listen({
        moved: () => {},
        resumed: () => {},
        command: (command) => {
          if (command.type === 'run_told' || command.type === 'runs_due') made.hear(command)
        },
      })
      await made.open()
      return made
    }
    world.work = untilStopped
    const worker = await joined('worker')
    await until(() => brokers[0]?.connected)
    const { id } = await worker.start(definition, { n: 1 })
    await until(async () => (await worker.get(id))?.status === 'working')
    const other = await joined('other')
    await until(() => brokers[1]?.connected)
    await other.cancel(id)
    await until(async () => (await other.get(id))?.status === 'cancelled')
    expect(world.errors).toEqual([])
    await Promise.all(brokers.map((broker) => broker.close()))
  })

  it('[RUN19] runs whose connections are cut again and again write each step once, and end once', async () => {
    const steps = ['a', 'b', 'c', 'd', 'e', 'f']
    const { hostname, port } = new URL(connectionString)
    const line = await CuttingProxy.open({ target: () => Number(port) })
    const cut = connectionString.replace(`${hostname}:${port}`, `127.0.0.1:${line.port}`)
    const random = new Random(7)
    world.work = async (context) => {
      for (const key of steps) {
        await context.step(`${context.run.id} ${key}`, async (step) => step.write(world.tell(context, key)))
      }
    }
    const ways = [openPostgresDatabase({ connectionString: cut }), openPostgresDatabase({ connectionString: cut })]
    const nodes = await Promise.all(ways.map((db) => node({ db, clock: systemClock })))
    const starter = await node({ tell: () => wakeAll() })
    const wakeAll = () => {
      for (const each of nodes) each.wake()
    }
    for (const each of nodes) await each.open()
    const made = await Promise.all(Array.from({ length: 40 }, (_, n) => starter.start(definition, { n })))
    const told = async () => (await world.db.read(statement(STORIES))).length
    for (let round = 0; round < 8; round += 1) {
      const before = await told()
      await until(async () => (await told()) >= Math.min(before + 10, made.length * (steps.length + 1)))
      line.cut(random, 0.6)
    }
    for (const { id } of made) {
      await until(async () => (await starter.get(id))?.status === 'done', { what: `the end of ${id}`, seconds: 25 })
      expect(await world.state(id)).toEqual({ told: steps, ended: 'done' })
    }
    expect(await told()).toBe(made.length * (steps.length + 1))
    const [row] = await world.db.read(statement('SELECT SUM(crashes) AS crashes FROM runs'))
    expect(row?.crashes).toBe(0)
    const codes = world.errors.map((error) => (error as { code?: string }).code)
    expect(codes).toContain('OUTCOME_UNKNOWN')
    expect(codes.filter((code) => code !== 'OUTCOME_UNKNOWN' && code !== 'UNAVAILABLE')).toEqual([])
    await Promise.all(nodes.map((each) => each.close()))
    await Promise.all(ways.map((db) => db.close()))
    await line.close()
  })
})
