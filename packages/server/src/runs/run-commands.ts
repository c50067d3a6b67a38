import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { hasEnded } from '@holdfast/protocol/runs'
import { type Database, type Statement, type Write, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import type { CommandStore } from './command-store.ts'
import type { Ending } from './ending.ts'
import { type RunEventInput, tell } from './journal.ts'
import { statusOf } from './lifecycle.ts'
import type { Outcome, Run, RunDefinition } from './run.ts'
import { checkInput, priorityOf, type RunStarter, type StartedKind } from './run-starter.ts'
import type { RunStore } from './run-store.ts'
import { sql } from './sql.ts'
import type { StepStore } from './step-store.ts'
import { queuedEvent, type Wakes } from './wakes.ts'

/** What every command carries. */
export interface Given {
  /** Of the command: giving it again under the same id is the same command. */
  id: string
  /** Who gave it. */
  by: string
  /** The revision of the run it is meant for: CONFLICT where the run is at another. Absent: however it stands. */
  revision?: number
}

/** What a person found out of a step of unknown outcome. */
export type Decision =
  | { kind: 'done'; output?: unknown }
  /** It was not done: it is done again. */
  | { kind: 'repeat' }
  /** The run ends as failed. */
  | { kind: 'fail' }

export interface RetryRequest {
  /** `failed`: finished steps are not done again. `start`: all of it anew. */
  from: 'failed' | 'start'
  /** Instead of the input it had: steps that depend on it are done again. */
  input?: unknown
}

export interface RunCommandsOptions {
  db: Database
  log: StreamLog
  store: RunStore
  steps: StepStore
  commands: CommandStore
  starter: RunStarter
  ending: Ending
  wakes: Wakes
  kindOf: (run: Run) => StartedKind
  definition: (name: string) => RunDefinition | undefined
  newId: () => string
  /** The run works: whoever works on it is told. */
  onTold: (run: Run) => Promise<void>
  /** A run stands otherwise; `due`: it may be claimed. */
  onChanged: (run: Run, due: boolean) => void
}

// A run that changes under a command is looked at anew, so often.
const LOOKS = 20
const MOVED = ['CONFLICT', 'FENCED', 'CANCELLED'] as const

interface Change {
  /** Holds only if the run is as it was seen. */
  statements: readonly Statement[]
  events?: readonly RunEventInput[]
  writes?: readonly Write[]
  /** The run ends by it, in the same commit. */
  outcome?: Outcome
}

/**
 * What people and programs tell runs. Each command is on disk when it resolves, and then holds whatever happens; what
 * it does to the run, that it was given and that the run's stream tells so are one commit. Errors: NOT_FOUND,
 * ALREADY_ENDED, NOT_ENDED, CONFLICT where it does not fit how the run stands.
 */
export class RunCommands {
  readonly #options: RunCommandsOptions

  constructor(options: RunCommandsOptions) {
    this.#options = options
  }

  /** A run that does not work has ended when this resolves; one that works ends as soon as its step lets go. */
  async cancel(id: string, given: Given): Promise<void> {
    const { ending, definition, onTold, store } = this.#options
    await this.#give(id, 'cancel', given, async (run) => {
      // Marked first: from then on no other end is taken, whoever is at it.
      const marked = run.cancelRequestedAt === null ? sql`, cancel_requested_at = ${store.now()}` : undefined
      return { statements: [store.touch(run, marked)] }
    })
    const run = await this.#run(id)
    // What is told at its end only those can say who know its kind.
    const isKnown = definition(run.name) !== undefined || (await store.endsAlone(run))
    if (run.status === 'working' || (run.endedAt === null && !isKnown)) await onTold(run)
    else if (run.endedAt === null) {
      const ended = ending.commit({
        run,
        outcome: { status: 'cancelled' },
        definition: definition(run.name),
        by: given.by,
      })
      // Somebody claimed it at this moment, and sees the mark.
      await ended.catch(async (error) => {
        if (!isHoldfastError(error, 'FENCED')) throw error
        await onTold(run)
      })
    }
    for (const child of await store.children(id)) {
      await this.cancel(child.id, { id: `${given.id}:${child.id}`, by: given.by }).catch(unlessEnded)
    }
  }

  /** One that does not work waits at once; one that does after the steps it is in. */
  async pause(id: string, given: Given): Promise<void> {
    const { store, onTold, onChanged } = this.#options
    const run = await this.#give(id, 'pause', given, async (run) => {
      if (run.pausedAt !== null) return { statements: [store.touch(run)] }
      if (run.status === 'working') return { statements: [store.touch(run, sql`, paused_at = ${store.now()}`)] }
      const wait = { kind: 'paused' } as const
      return {
        statements: [store.hold(run, true), ...store.setWaits(run, [wait])],
        events: [{ type: 'waiting', waits: [wait] }],
      }
    })
    if (run?.status === 'working') await onTold(run)
    else if (run) onChanged({ ...run, status: 'waiting' }, false)
  }

  /** It goes on: one that was paused, or parked. */
  async resume(id: string, given: Given): Promise<void> {
    const { store, onTold, onChanged } = this.#options
    const run = await this.#give(id, 'resume', given, async (run) => {
      // It works still, or was given back before it came to wait.
      if (run.status !== 'waiting' && run.pausedAt !== null) {
        return { statements: [store.touch(run, sql`, paused_at = NULL`)] }
      }
      const waits = run.status === 'waiting' ? await store.waits(id) : []
      const isHeld = waits.some(({ kind }) => kind === 'paused' || kind === 'parked' || kind === 'version')
      if (!isHeld) throw conflict(run, 'It is not paused')
      return { statements: [store.wake(run, true), store.clearWaits(run)], events: [queuedEvent(run)] }
    })
    if (run?.status === 'working') await onTold(run)
    else if (run) onChanged({ ...run, status: 'queued' }, true)
  }

  /** A word to the run: kept until its code takes it, which is woken by it where it waits. */
  async signal(id: string, name: string, payload: unknown, given: Given, command = 'signal'): Promise<void> {
    const { store, onTold, onChanged } = this.#options
    let woken = false
    const change = async (run: Run): Promise<Change> => {
      woken = await this.#waitsFor(run, name)
      if (!woken) return { statements: [store.touch(run)] }
      return { statements: [store.wake(run), store.clearWaits(run)], events: [queuedEvent(run)] }
    }
    const run = await this.#give(id, command, given, change, { name, payload })
    if (run?.status === 'working') await onTold(run)
    else if (run && woken) onChanged({ ...run, status: 'queued' }, true)
  }

  /** Says what became of a step of unknown outcome. */
  async decide(id: string, key: string, decision: Decision, given: Given): Promise<void> {
    const { store, steps, wakes, onTold } = this.#options
    const output = decision.kind === 'done' ? JSON.stringify(decision.output ?? null) : null
    const run = await this.#give(id, 'decide', given, async (run) => {
      const step = await steps.own(run, key)
      if (step?.status !== 'unknown') throw new HoldfastError('CONFLICT', `Nobody is asked of the step "${key}".`)
      const events = [{ type: 'step_decided', key, decision: decision.kind, by: given.by } as const]
      const decide = steps.decide(run, key, output)
      if (decision.kind !== 'fail') return { statements: [store.touch(run), decide], events }
      // With the end, or a crash in between would have the step done again.
      const error = { code: 'EFFECT_UNKNOWN', message: `Whether the step "${key}" was done was not known.` }
      return { statements: [steps.isUnknown(run, key), decide], events, outcome: { status: 'failed', error } }
    })
    // Beside a step that works it may be waited for, or ended, where that is.
    if (run?.status === 'working') await onTold(run)
    else if (run && decision.kind !== 'fail') await wakes.recheck(id)
  }

  /** Starts another run that tries this one again; gives that one. A second retry of one run is a CONFLICT. */
  async retry(id: string, request: RetryRequest, given: Given): Promise<Run> {
    try {
      return (await this.#retried(id, given)) ?? (await this.#tryAgain(id, request, given))
    } catch (error) {
      // The same command came twice at once, and the other one was first.
      const twin = isHoldfastError(error, 'CONFLICT') ? await this.#retried(id, given) : null
      if (!twin) throw error
      return twin
    }
  }

  /** What that very command started; `null` where it was not given yet. */
  async #retried(id: string, given: Given): Promise<Run | null> {
    const known = await this.#known(id, 'retry', given)
    return known && this.#run((known.payload as { run: string }).run)
  }

  async #tryAgain(id: string, { from, input }: RetryRequest, given: Given): Promise<Run> {
    const { starter, kindOf, definition, commands, newId } = this.#options
    const run = await this.#run(id)
    this.#check(run, given)
    if (run.endedAt === null) throw new HoldfastError('NOT_ENDED', `The run ${id} has not ended.`)
    if (run.retriedBy !== null) throw conflict(run, `It is tried again already, by ${run.retriedBy}`)
    const known = definition(run.name)
    const checked = input === undefined ? run.input : known ? await checkInput(known.input, input) : input
    const next = newId()
    const row = { ...this.#row(run, 'retry', given), name: null, payload: { from, run: next } }
    const started = await starter.start(kindOf(run), checked, {
      id: next,
      retryOf: run,
      reuse: from === 'failed',
      once: true,
      queue: run.queue,
      priority: run.priority,
      writes: [write(commands.insert(row))],
      ...(run.serialKey === null ? {} : { serialKey: run.serialKey }),
    })
    return started.run
  }

  /** Sets by how many seconds it goes before others of its queue. */
  async prioritise(id: string, priority: number, given: Given): Promise<void> {
    const { store, onChanged } = this.#options
    priorityOf(priority)
    const run = await this.#give(id, 'priority', given, async (run) => ({
      statements: [store.touch(run, sql`, priority = ${priority}, rank = (due_at - ${priority * 1000}) * 1000`)],
      ...(run.status === 'queued' ? { events: [queuedEvent({ ...run, priority })] } : {}),
    }))
    if (run) onChanged(run, false)
  }

  /** Puts it right before or behind another one of its queue. */
  async move(id: string, place: { before?: string; after?: string }, given: Given): Promise<void> {
    const { store, onChanged } = this.#options
    const other = place.before ?? place.after
    if (other === undefined) throw new HoldfastError('INVALID_INPUT', 'Say before or after which run.')
    const run = await this.#give(id, 'move', given, async (run) => {
      const beside = await store.get(other)
      if (beside?.queue !== run.queue || beside.endedAt !== null || run.endedAt !== null || run.id === other) {
        throw conflict(run, `${other} does not wait in the queue "${run.queue}"`)
      }
      return {
        statements: [store.touch(run, sql`, rank = ${await store.rankBeside(beside, place.before !== undefined)}`)],
      }
    })
    if (run) onChanged(run, false)
  }

  /** Gives a command once; the run as it stood then, `null` where it had been given before. */
  async #give(
    id: string,
    command: string,
    given: Given,
    change: (run: Run) => Promise<Change>,
    signal: { name: string; payload: unknown } | null = null,
  ): Promise<Run | null> {
    const { db, log, commands, ending, definition } = this.#options
    for (let look = 1; ; look += 1) {
      if (await this.#known(id, command, given)) return null
      const run = await this.#run(id)
      if (run.endedAt !== null && command !== 'priority') throw ended(run)
      this.#check(run, given)
      const { statements, events = [], writes = [], outcome } = await change(run)
      const name = signal === null ? {} : { name: signal.name }
      const told = { type: 'commanded', id: given.id, command, by: given.by, ...name } as const
      const row = commands.insert({ ...this.#row(run, command, given), name: null, payload: null, ...signal })
      try {
        const changes = [write(...statements, row), ...writes]
        const end = outcome && {
          run,
          outcome,
          definition: definition(run.name),
          told: [told, ...events],
          writes: changes,
        }
        if (end) await ending.commit(end)
        else await db.commit([...changes, tell(log, id, told, ...events)])
        return run
      } catch (error) {
        // The run moved on, or the same command came twice at once.
        const isUnsure = isHoldfastError(error, 'OUTCOME_UNKNOWN')
        if (isUnsure && (await this.#known(id, command, given).catch(() => null))) return run
        if (isHoldfastError(error, 'STREAM_SEALED')) throw ended(run)
        if (!MOVED.some((code) => isHoldfastError(error, code)) || look === LOOKS) throw error
      }
    }
  }

  #row(run: Run, command: string, { id, by }: Given) {
    return { id, runId: run.id, command, by }
  }

  /** The command as it was given before; CONFLICT where that id was another command, or another run's. */
  async #known(runId: string, command: string, { id }: Given): Promise<{ payload: unknown } | null> {
    const known = await this.#options.commands.find(id)
    if (known && known.runId !== runId) throw new HoldfastError('CONFLICT', `Another run was given the command ${id}.`)
    if (known && known.command !== command) {
      throw new HoldfastError('CONFLICT', `The command ${id} was another one: ${known.command}.`)
    }
    return known
  }

  async #waitsFor(run: Run, name: string): Promise<boolean> {
    if (run.status !== 'waiting' || run.pausedAt !== null) return false
    const waits = await this.#options.store.waits(run.id)
    return waits.some((wait) => wait.kind === 'event' && wait.name === name)
  }

  async #run(id: string): Promise<Run> {
    const run = await this.#options.store.get(id)
    if (!run) throw new HoldfastError('NOT_FOUND', `There is no run "${id.slice(0, 100)}".`)
    return run
  }

  #check(run: Run, { revision }: Given): void {
    if (revision !== undefined && revision !== run.revision) throw conflict(run, 'It has changed')
  }
}

function conflict(run: Run, what: string): HoldfastError {
  return new HoldfastError('CONFLICT', `${what}: it is ${statusOf(run)}.`)
}

function ended(run: Run): HoldfastError {
  const status = statusOf(run)
  return new HoldfastError(
    'ALREADY_ENDED',
    hasEnded(status) ? `It has already ended: it is ${status}.` : 'It has already ended.',
  )
}

function unlessEnded(error: unknown): void {
  if (!isHoldfastError(error, 'ALREADY_ENDED')) throw error
}
