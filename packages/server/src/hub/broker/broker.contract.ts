import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from './broker.ts'
import { appended, at, Heard, removal, type TestNode } from './fixtures/heard.ts'

/** What joins the nodes of a test. */
export interface BrokerGround extends AsyncDisposable {
  /** A node's broker, which nobody listens to yet. */
  open(): Broker
  /** Breaks the line of every node, until `restore`. */
  cut(): Promise<void> | void
  restore(): Promise<void> | void
  /** What the brokers said to be wrong. */
  readonly errors: readonly Error[]
}

const soon = { timeout: 15_000, interval: 2 }

/** What every broker keeps to (SPEC.md, "broker"). Each test has a new ground. */
export function describeBroker(name: string, openGround: () => Promise<BrokerGround> | BrokerGround): void {
  describe(`broker: ${name}`, () => {
    let ground: BrokerGround
    const nodes: TestNode[] = []

    const start = async (): Promise<TestNode> => {
      const node = { broker: ground.open(), heard: new Heard() }
      nodes.push(node)
      node.broker.listen(node.heard)
      await expect.poll(() => node.broker.connected, soon).toBe(true)
      await expect.poll(() => node.heard.resumedAll, soon).toBeGreaterThan(0)
      return node
    }
    const cut = async () => {
      await ground.cut()
      await expect.poll(() => nodes.some(({ broker }) => broker.connected), soon).toBe(false)
      for (const { heard } of nodes) heard.resumedAll = 0
    }
    const restore = async () => {
      await ground.restore()
      await expect
        .poll(() => nodes.every(({ broker, heard }) => broker.connected && heard.resumedAll > 0), soon)
        .toBe(true)
    }
    const read = async ({ broker, heard }: TestNode, ...streams: string[]) => {
      for (const stream of streams) broker.subscribe(stream)
      await expect.poll(() => streams.every((stream) => heard.active.has(stream)), soon).toBe(true)
    }
    /** Resolves when all that was published before has been heard: a last word comes after it. */
    const settle = async (from: TestNode, to: TestNode) => {
      const run = `settled ${Math.random()}`
      from.broker.send({ type: 'run_told', run })
      await expect
        .poll(() => to.heard.commands.some((command) => 'run' in command && command.run === run), soon)
        .toBe(true)
    }

    beforeEach(async () => {
      ground = await openGround()
    })
    afterEach(async () => {
      await Promise.all(nodes.splice(0).map(({ broker }) => broker.close()))
      await ground[Symbol.asyncDispose]()
    })

    it('[BROK1] word of a commit reaches every other node that reads the stream, and not the one it comes from', async () => {
      const [a, b, c, d] = [await start(), await start(), await start(), await start()]
      for (const node of [a, b, c]) await read(node, 's')
      a.broker.publish([appended('s', 1)])
      for (const { heard } of [b, c]) await expect.poll(() => heard.last('s')?.tail, soon).toBe(at(1))
      await settle(a, d)
      await settle(b, a)
      expect([a.heard.signals, d.heard.signals]).toEqual([[], []])
    })

    it('[BROK2] from the moment a stream is told of as active nothing of it is missed', async () => {
      const [a, b] = [await start(), await start()]
      for (let round = 1; round <= 20; round += 1) {
        const stream = `s${round}`
        await read(b, stream)
        a.broker.publish([appended(stream, round)])
        await expect.poll(() => b.heard.last(stream)?.tail, soon).toBe(at(round))
      }
      // Again with one that is known already: somebody else came to read it.
      b.broker.unsubscribe('s1')
      b.heard.active.clear()
      await read(b, 's1')
      a.broker.publish([appended('s1', 2)])
      await expect.poll(() => b.heard.last('s1')?.tail, soon).toBe(at(2))
    })

    it('[BROK3] nothing is heard of a stream that is not read any more, however often that changes', async () => {
      const [a, b] = [await start(), await start()]
      await read(b, 's', 'other')
      b.broker.unsubscribe('s')
      b.broker.unsubscribe('s')
      b.broker.unsubscribe('never')
      await settle(b, a)
      a.broker.publish([appended('s', 1), appended('other', 1)])
      await expect.poll(() => b.heard.last('other')?.tail, soon).toBe(at(1))
      expect(b.heard.of('s')).toEqual([])

      b.heard.active.clear()
      for (let time = 0; time < 501; time += 1) {
        b.broker.subscribe('s')
        b.broker.subscribe('s')
        if (time % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
        if (time < 500) b.broker.unsubscribe('s')
      }
      await expect.poll(() => b.heard.active.has('s'), soon).toBe(true)
      a.broker.publish([appended('s', 2)])
      await expect.poll(() => b.heard.last('s')?.tail, soon).toBe(at(2))
      b.broker.unsubscribe('s')
      a.broker.publish([appended('s', 3)])
      await settle(a, b)
      expect(b.heard.last('s')?.tail).toBe(at(2))
    })

    it('[BROK4] of many commits the last tail comes, and where events travel they adjoin', async () => {
      const [a, b] = [await start(), await start()]
      await read(b, 's')
      for (let seq = 1; seq <= 2000; seq += 1) {
        a.broker.publish([appended('s', seq)])
        if (seq % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await expect.poll(() => b.heard.last('s')?.tail, soon).toBe(at(2000))
      // Overtaken by a later one, which is not taken back.
      a.broker.publish([appended('s', 2002)])
      a.broker.publish([appended('s', 2001)])
      await expect.poll(() => b.heard.last('s')?.tail, soon).toBe(at(2002))
      for (const { after, tail, events } of b.heard.of('s')) {
        const first = Number(after.slice(17)) + 1
        const expected = events.map((_, index) => `{"n":${first + index}}`)
        expect(events).toEqual(expected)
        expect(tail).toBe(at(first - 1 + events.length))
      }
      expect(b.heard.of('s').length).toBeLessThan(2000)
    })

    it('[BROK4] the end of a stream, its removal and its next life come, whatever they come with', async () => {
      const [a, b] = [await start(), await start()]
      await read(b, 'sealed', 'empty', 'gone', 'anew')
      const seal = { stream: 'empty', after: at(7), tail: at(7), events: [], sealed: true }
      const born = { ...appended('anew', 1), after: at(0, 9), tail: at(1, 9) }
      a.broker.publish([appended('sealed', 1), appended('sealed', 2, { sealed: true }), appended('sealed', 1)])
      a.broker.publish([appended('empty', 7), seal])
      a.broker.publish([appended('gone', 3), removal('gone', 3), appended('gone', 2)])
      a.broker.publish([appended('anew', 4), removal('anew', 4), born])
      await expect.poll(() => b.heard.last('anew')?.tail, soon).toBe(at(1, 9))
      await settle(a, b)
      expect(b.heard.last('sealed')).toMatchObject({ tail: at(2), sealed: true })
      expect(b.heard.last('empty')).toMatchObject({ tail: at(7), sealed: true })
      expect(b.heard.last('gone')).toMatchObject({ tail: at(3), removed: true })
      expect(b.heard.of('anew')).toMatchObject([{ tail: at(4), removed: true }, { tail: at(1, 9) }])
    })

    it('[BROK5] names are any text', async () => {
      const [a, b] = [await start(), await start()]
      const names = [
        `it's "quoted" \\ and {braced,"} `,
        '👩‍👩‍👧 семья 家族',
        '*?[a-z]',
        "'); SELECT pg_notify('x','y'); --",
        'line\nbreak\tand\u0001',
        'é'.repeat(1000),
        '🙂'.repeat(500),
        '"'.repeat(2000),
        '',
      ]
      await read(b, ...names)
      a.broker.publish(names.map((stream) => appended(stream, 1)))
      for (const stream of names) await expect.poll(() => b.heard.last(stream)?.tail, soon).toBe(at(1))
      expect(b.heard.signals.map(({ stream }) => stream).sort()).toEqual([...names].sort())
      expect(ground.errors).toEqual([])
    })

    it('[BROK5] of one that is too long for a message at least word comes that something moved', async () => {
      const [a, b] = [await start(), await start()]
      const name = '🙂'.repeat(5000)
      await read(b, name)
      b.heard.active.clear()
      a.broker.publish([appended(name, 1)])
      await expect.poll(() => b.heard.last(name)?.tail === at(1) || b.heard.active.has(name), soon).toBe(true)
    })

    it('[BROK6] thousands of streams are read, and told of, at once', async () => {
      const [a, b] = [await start(), await start()]
      const names = Array.from({ length: 5000 }, (_, index) => `stream/${index}`)
      await read(b, ...names)
      a.broker.publish(names.map((stream) => appended(stream, 1)))
      await expect.poll(() => b.heard.signals.length, soon).toBe(5000)
      expect(new Set(b.heard.signals.map(({ stream }) => stream)).size).toBe(5000)
      for (const stream of names) b.broker.unsubscribe(stream)
      await settle(b, a)
      a.broker.publish(names.map((stream) => appended(stream, 2)))
      await settle(a, b)
      expect(b.heard.signals.length).toBe(5000)
    })

    it('[BROK6] of more than can be gathered at least word comes that something moved', async () => {
      const [a, b] = [await start(), await start()]
      await read(b, 'stream/0', 'stream/29999')
      b.heard.active.clear()
      const before = b.heard.resumedAll
      a.broker.publish(Array.from({ length: 30_000 }, (_, index) => appended(`stream/${index}`, 1)))
      await expect.poll(() => b.heard.last('stream/0')?.tail, soon).toBe(at(1))
      const toldToLook = () => b.heard.active.has('stream/29999') || b.heard.resumedAll > before
      await expect.poll(toldToLook, soon).toBe(true)
    })

    it('[BROK7] commands reach every other node', async () => {
      const [a, b, c] = [await start(), await start(), await start()]
      const commands = [
        { type: 'runs_due' },
        { type: 'run_told', run: 'it\'s "r1" 🙂' },
        { type: 'session_revoke', principal: 'é'.repeat(1000) },
        { type: 'session_kick', principal: 'operator' },
      ] as const
      for (const command of commands) a.broker.send(command)
      // Twice in one turn is once.
      a.broker.send({ type: 'runs_due' })
      for (const { heard } of [b, c]) await expect.poll(() => heard.commands, soon).toEqual(commands)
      await settle(b, a)
      expect(a.heard.commands).toHaveLength(1)
    })

    it('[BROK8] a line that is lost comes back by itself, and what came before may have been missed', async () => {
      const [a, b] = [await start(), await start()]
      await read(b, 's')
      await cut()
      a.broker.publish([appended('s', 1)])
      a.broker.send({ type: 'runs_due' })
      b.broker.subscribe('while it was down')
      await restore()
      a.broker.publish([appended('s', 2), appended('while it was down', 1)])
      await expect.poll(() => b.heard.last('s')?.tail, soon).toBe(at(2))
      await expect.poll(() => b.heard.last('while it was down')?.tail, soon).toBe(at(1))
    })

    it('[BROK8] while the line is down nothing is kept, thrown or waited for', async () => {
      const [a, b] = [await start(), await start()]
      await read(b, 's0')
      await cut()
      for (let index = 0; index < 50_000; index += 1) a.broker.publish([appended(`s${index}`, 1)])
      for (let index = 0; index < 50_000; index += 1) a.broker.send({ type: 'run_told', run: `${index}` })
      await restore()
      await settle(a, b)
      expect([b.heard.signals.length, b.heard.commands.length]).toEqual([0, 1])
    })

    it('[BROK9] closing sends what waits; afterwards nothing is heard and nothing thrown', async () => {
      const [a, b] = [await start(), await start()]
      await read(a, 's')
      await read(b, 's')
      a.broker.publish([appended('s', 1)])
      a.broker.send({ type: 'runs_due' })
      await a.broker.close()
      await expect.poll(() => b.heard.last('s')?.tail, soon).toBe(at(1))
      await expect.poll(() => b.heard.commands, soon).toEqual([{ type: 'runs_due' }])
      expect(a.broker.connected).toBe(false)

      const c = await start()
      b.broker.publish([appended('s', 2)])
      b.broker.send({ type: 'runs_due' })
      await settle(b, c)
      a.broker.publish([appended('s', 3)])
      a.broker.send({ type: 'runs_due' })
      a.broker.subscribe('other')
      a.broker.unsubscribe('s')
      await a.broker.close()
      expect([a.heard.signals, a.heard.commands]).toEqual([[], []])
      expect(b.heard.last('s')?.tail).toBe(at(1))
      expect(ground.errors).toEqual([])
    })

    it('[BROK9] one whose line is down, or was never up, closes at once', async () => {
      const a = await start()
      await cut()
      const never = ground.open()
      never.listen(new Heard())
      const silent = ground.open()
      await Promise.all([a.broker.close(), never.close(), silent.close()])
      await ground.restore()
      expect(a.heard.resumedAll).toBe(0)
    })
  })
}
