import type { AttemptWorld } from './attempt.ts'
import { CommandStore } from './command-store.ts'
import { Ending } from './ending.ts'
import type { RunEngineOptions } from './engine-options.ts'
import { statusOf } from './lifecycle.ts'
import { type LimitKind, LimitStore } from './limit-store.ts'
import { OutsideWork } from './outside-work.ts'
import type { Outcome, Run, RunDefinition } from './run.ts'
import { RunCommands } from './run-commands.ts'
import { RunLimits } from './run-limits.ts'
import type { Kind } from './run-looks.ts'
import { checkInput, RunStarter, type StartedKind } from './run-starter.ts'
import { RunStore } from './run-store.ts'
import { StepStore } from './step-store.ts'
import { Sweep } from './sweep.ts'
import type { Timers } from './timers.ts'
import { Wakes } from './wakes.ts'
import { Watch } from './watch.ts'
import { WorkFeed } from './work-feed.ts'

/** What the parts of an engine tell it, and ask of it. */
export interface EngineEvents {
  /** A run stands otherwise; `due`: it may be claimed. */
  changed(run: Run, due: boolean): void
  ended(run: Run, outcome: Outcome): void
  /** Something may be claimed. */
  due(): void
  /** Somebody may have fallen silent by now. */
  silenceDue(): void
  limitSet(kind: LimitKind, name: string): void
  /** A run that works was told something that stands in its rows. */
  told(run: Run): Promise<void>
  /** A run gave its worker free: what it waits for, or a cancel, may have come at the same moment. */
  suspended(run: string): Promise<unknown>
  /** A place at that provider is free. */
  freed(provider: string): Promise<void>
  /** A worker outside began an attempt. */
  begun(run: Run): void
  /** Its cancel is on disk, and it does not work. */
  unwanted(run: Run): Promise<void>
  /** Nobody waits for it. */
  background(task: Promise<unknown>): void
  onWake(listener: () => void): () => void
  definition(name: string): RunDefinition | undefined
  kinds(): Kind[]
}

export interface EngineParts {
  world: AttemptWorld
  starter: RunStarter
  wakes: Wakes
  watch: Watch
  sweep: Sweep
  commands: RunCommands
  limits: RunLimits
  outside: OutsideWork
  feed: WorkFeed
}

/** Puts the parts of an engine together, each with what it stands on. */
export function assembleParts(options: Required<RunEngineOptions>, timers: Timers, on: EngineEvents): EngineParts {
  const { db, log, clock, random, worker, newId, leaseMs, exclusive } = options
  const store = new RunStore(db, clock)
  const stores = {
    db,
    log,
    store,
    steps: new StepStore(db, store.now),
    commands: new CommandStore(db, store.now),
    limits: new LimitStore(db),
  }
  const feed = new WorkFeed({ db, log, clock })
  const changed = (run: Run) => on.changed(run, true)
  const wakes = new Wakes({ ...stores, onWoken: changed })
  const freed = (provider: string) => on.background(on.freed(provider))
  const starter = new RunStarter({ ...stores, newId, leaseMs, onQueued: changed })
  const ending = new Ending({ ...stores, onEnded: on.ended, onFreed: freed, onMoved: on.due })
  const world: AttemptWorld = {
    ...stores,
    clock,
    random,
    ending,
    children: {
      prepare: async (definition, input, parent, more) =>
        starter.prepare(definition as StartedKind, await checkInput(definition.input, input), {
          ...more,
          parentId: parent.id,
        }),
      outcome: (id) => store.outcome(id),
    },
    changed: (run, percent) => feed.changed(run.id, statusOf(run), run.queue, percent ?? null),
    recheck: (run) => on.background(on.suspended(run)),
    freed,
  }
  const { definition } = on
  const commands = new RunCommands({
    ...stores,
    starter,
    ending,
    wakes,
    newId,
    definition,
    kindOf: (run) => kindOf(run, definition(run.name)),
    onTold: on.told,
    onChanged: on.changed,
  })
  const watch = new Watch({
    ...stores,
    timers,
    clock,
    worker,
    exclusive,
    onError: (error) => options.onError(error, null),
    onDue: on.silenceDue,
    onChanged: ({ id, queue }, liveness) => {
      feed.changed(id, liveness, queue, null)
      if (liveness === 'lost') on.due()
    },
    onFreed: freed,
  })
  const sweep = new Sweep({
    ...stores,
    wakes,
    clock,
    worker,
    leaseMs,
    exclusive,
    kinds: on.kinds,
    endUnwanted: on.unwanted,
    cancel: ({ id }) => commands.cancel(id, { id: newId(), by: 'server' }),
    onParked: (run) => on.changed({ ...run, status: 'waiting' }, false),
  })
  return {
    world,
    starter,
    wakes,
    watch,
    sweep,
    commands,
    limits: new RunLimits({ limits: stores.limits, onSet: on.limitSet }),
    outside: new OutsideWork({ ...world, onWake: on.onWake, onClaimed: on.begun, onQueued: changed }),
    feed,
  }
}

/** What is stored of a run's kind, for another run of it. */
function kindOf(run: Run, definition: RunDefinition | undefined): StartedKind {
  if (definition) return definition as StartedKind
  return { name: run.name, version: run.version, isOutside: run.isOutside, quietMs: run.quietMs }
}
