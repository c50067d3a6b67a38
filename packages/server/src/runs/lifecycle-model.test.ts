import { isHoldfastError } from '@holdfast/protocol'
import { RUN_STATUSES } from '@holdfast/protocol/runs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Instruction, LifecycleModel } from './fixtures/lifecycle-model.ts'
import { LifecycleWorld } from './fixtures/lifecycle-world.ts'

type Command = fc.AsyncCommand<LifecycleModel, LifecycleWorld>

/** A command that is compared after it: what the model says of it is how the real one stands. */
function command(
  name: string,
  check: (model: LifecycleModel) => boolean,
  run: (model: LifecycleModel, world: LifecycleWorld) => Promise<void>,
): Command {
  return {
    check,
    run: async (model, world) => {
      await run(model, world)
      await world.compare(model)
    },
    toString: () => name,
  }
}

async function refused(code: 'CONFLICT' | 'ALREADY_ENDED' | 'NOT_ENDED', task: () => Promise<unknown>): Promise<void> {
  const error = await task().then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!isHoldfastError(error, code)) throw new Error(`expected ${code}`, { cause: error })
}

/** What a person says to a run; refused where it has ended. */
function said(
  name: string,
  give: (world: LifecycleWorld) => Promise<void>,
  move: (model: LifecycleModel) => 'CONFLICT' | undefined,
): Command {
  return command(
    name,
    (model) => model.run !== null,
    async (model, world) => {
      const code = model.hasEnded ? 'ALREADY_ENDED' : move(model)
      if (code) await refused(code, () => give(world))
      else await give(world)
    },
  )
}

const told = (instruction: Instruction) =>
  command(
    JSON.stringify(instruction),
    (model) => model.works,
    async (model, world) => {
      // Both go by the same one, which a decision changes.
      const own = { ...instruction }
      await world.tell(own)
      model.perform(own)
    },
  )

const openWorker = command(
  'a worker comes',
  (model) => !model.hasWorker,
  async (model, world) => {
    await world.openWorker()
    model.hasWorker = true
    if (model.run) model.settle()
  },
)

async function die(model: LifecycleModel, world: LifecycleWorld): Promise<void> {
  const { works } = model
  world.killWorker()
  model.hasWorker = false
  if (!works) return
  await world.until(async () => (await world.status()) === 'lost')
  if (model.run?.status === 'working') model.move('silence')
  if (model.run?.status === 'quiet') model.move('longSilence')
  model.move('expire')
}

const killWorker = command('the worker dies, and its lease ends', (model) => model.hasWorker, die)

const silence = command(
  'the work is silent',
  (model) => model.works && model.run?.status !== 'stalled',
  async (model, world) => {
    await world.untilOtherwise()
    model.move(model.run?.status === 'working' ? 'silence' : 'longSilence')
  },
)

const heartbeat = command(
  'heartbeat',
  (model) => model.works,
  async (model, world) => {
    world.heartbeat()
    model.sign()
  },
)

const retryTime = command(
  'the time of the next try comes',
  (model) => model.run?.waitsFor === 'retry',
  async (model, world) => {
    await world.untilOtherwise()
    model.move('wake')
    model.settle()
  },
)

/** Begun by a worker that dies in it. */
const dieInside = (key: string) =>
  command(
    `the worker dies in ${key}`,
    (model) => model.works && !model.run?.isPaused && !model.run?.settled.has(key) && !model.run?.unknown.has(key),
    async (model, world) => {
      const instruction: Instruction = { do: 'unsafe', key, how: 'dies' }
      const before = world.effects.get(key) ?? 0
      await world.tell(instruction)
      await expect.poll(() => world.effects.get(key)).toBe(before + 1)
      model.perform(instruction)
      await die(model, world)
    },
  )

const decide = (kind: 'done' | 'repeat' | 'fail') =>
  command(
    `decide: ${kind}`,
    (model) => model.run?.waitsFor === 'decision',
    async (model, world) => {
      const { pending } = model.run ?? {}
      if (pending?.do === 'unsafe') await world.decide(pending.key, kind)
      model.decide(kind)
    },
  )

const pause = said(
  'pause',
  (world) => world.watcher.commands.pause(world.id, world.given()),
  (model) => {
    model.command()
    const { run } = model
    if (!run || run.isPaused) return
    run.isPaused = true
    if (!model.works) model.hold()
  },
)

const resume = said(
  'resume',
  (world) => world.watcher.commands.resume(world.id, world.given()),
  (model) => {
    const { run } = model
    if (!run?.isPaused) return 'CONFLICT'
    model.command()
    run.isPaused = false
    if (run.status !== 'waiting') return
    model.move('wake')
    model.settle()
  },
)

const approve = said(
  'approve',
  (world) => world.watcher.commands.signal(world.id, 'approval', { approved: true }, world.given(), 'approve'),
  (model) => {
    const { run } = model
    model.command()
    if (!run) return
    run.words += 1
    if (run.waitsFor !== 'event') return
    model.move('wake')
    model.settle()
  },
)

const cancel = said(
  'cancel',
  (world) => world.watcher.commands.cancel(world.id, world.given()),
  (model) => {
    model.command()
    model.move('cancel')
  },
)

const retry = command(
  'retry',
  (model) => model.run !== null,
  async (model, world) => {
    if (!model.hasEnded) return refused('NOT_ENDED', () => world.retry())
    await world.retry()
    model.start(model.run)
  },
)

const writeLate = command(
  'older attempts write',
  (model) => model.run !== null,
  async (model, world) => world.writeLate(model.works),
)

let waits = 0
const often = (times: number, one: fc.Arbitrary<Command>) => Array.from({ length: times }, () => one)
const commands = [
  ...often(4, fc.constant(openWorker)),
  fc.constant(killWorker),
  ...often(2, fc.constant(silence)),
  fc.constant(heartbeat),
  ...often(4, fc.constant(retryTime)),
  fc.constant(pause),
  ...often(2, fc.constant(resume)),
  ...often(2, fc.constant(approve)),
  fc.constant(cancel),
  ...often(3, fc.constant(retry)),
  fc.constant(writeLate),
  ...often(
    4,
    fc.constantFrom('a', 'b', 'c', 'd').map((key) => told({ do: 'step', key })),
  ),
  ...often(
    2,
    fc.constant(null).map(() => told({ do: 'wait', key: `w${++waits}` })),
  ),
  ...often(
    2,
    fc
      .record({ key: fc.constantFrom('x', 'y', 'z'), how: fc.constantFrom('done' as const, 'unknown' as const) })
      .map((unsafe) => told({ do: 'unsafe', ...unsafe })),
  ),
  fc.constantFrom('x', 'y', 'z').map(dieInside),
  ...often(2, fc.constantFrom(...(['done', 'repeat', 'fail'] as const)).map(decide)),
  ...often(2, fc.constant(told({ do: 'fail' }))),
  fc.constant(told({ do: 'finish' })),
]

describe('The life of a run', () => {
  it('[X3a][X5a][RUN1][RUN3] is that of the model, whatever is done to it in whichever order', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (sequence) => {
        const world = await LifecycleWorld.open()
        const model = new LifecycleModel()
        try {
          await world.start()
          model.start()
          await fc.asyncModelRun(() => ({ model, real: world }), sequence)
          for (const type of model.told) seen.add(type)
        } finally {
          await world.close()
        }
      }),
      { numRuns: 100 },
    )
    // It came everywhere.
    expect([...seen].sort()).toEqual(['commanded', ...RUN_STATUSES].sort())
  }, 240_000)
})
