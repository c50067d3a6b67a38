import { type Clock, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { ScheduleView } from '@holdfast/protocol/runs'
import { type Database, write } from '../db/database.ts'
import { type CronTimes, cronTimes } from './cron.ts'
import type { Run, RunDefinition } from './run.ts'
import { checkInput, type StartOptions } from './run-starter.ts'
import { type Schedule, ScheduleStore } from './schedule-store.ts'
import { Timers } from './timers.ts'

/** What is used of a RunEngine. */
export interface ScheduledRuns {
  readonly definitions: readonly RunDefinition[]
  startNamed(name: string, input: unknown, options: StartOptions): Promise<{ run: Run; created: boolean }>
}

export interface RunSchedulesOptions {
  db: Database
  /** Measures waiting; also the time where the store has no clock of its own (SQLite). */
  clock: Clock
  runs: ScheduledRuns
  newId: () => string
  /** A schedule was made, changed, removed, or has begun a run: to be told to lists, and to the other nodes (`wake`). */
  onChange: (id: string) => void
  /** Told of what nobody waits for: a run that could not begin, a store that was away. */
  onError: (error: unknown) => void
}

export interface NewSchedule {
  /** A kind of run this node knows. */
  name: string
  input: unknown
  /** Five fields, or six with seconds first. */
  cron: string
  /** IANA; default `UTC`. */
  timezone?: string
}

const PAGE = 100
// A timer measures how much time passes; a schedule names times of a clock that can be set. So the clock is looked at
// again after this, as cron does; without schedules nothing is.
const LOOK_MS = 60_000
const FAILED_MS = 5_000
const CHANGE_TRIES = 5

/**
 * Begins runs at the times of cron expressions, on the store's clock.
 *
 * **Once.** A run is begun in the commit that moves its schedule on to the next time, which holds only if nobody has
 * moved it; and it has a dedupe key made of the schedule and the time. However many nodes fire, and whatever becomes
 * of them on the way, each time begins one run.
 *
 * **Times that were missed**, because no server ran or the schedule's kind was not known to any: one run begins, for the
 * latest of them. What was missed while it was paused is not made up for.
 *
 * **Clocks.** It is woken exactly at the earliest time of all schedules, and looks at the clock once a minute besides. A
 * clock that was put forward is one by which times were missed. One that was put back (found when it falls by more than
 * a second, or at the start) has all schedules look for their next time anew; times that had begun a run begin no other.
 */
export class RunSchedules {
  readonly #options: RunSchedulesOptions
  readonly #store: ScheduleStore
  readonly #timers: Timers
  #callOff: () => void = () => {}
  #looking: Promise<void> | null = null
  #again = false
  #isOpen = false
  /** The store's time when it was last looked at. */
  #seenAt = Number.POSITIVE_INFINITY

  constructor(options: RunSchedulesOptions) {
    this.#options = options
    this.#store = new ScheduleStore(options.db, options.clock)
    this.#timers = new Timers(options.clock)
  }

  /** Begins to fire. */
  open(): void {
    this.#isOpen = true
    this.wake()
  }

  /** Fires nothing more; resolves when what was being begun is settled. */
  async close(): Promise<void> {
    this.#isOpen = false
    this.#timers.close()
    await this.#looking
  }

  /** Schedules have changed, here or on another node. Cheap, at any time. */
  wake(): void {
    if (!this.#isOpen) return
    this.#again = true
    this.#looking ??= this.#look()
  }

  /** All of them, at most 1,000, the oldest first. */
  async list(): Promise<ScheduleView[]> {
    return (await this.#store.all()).map(viewOf)
  }

  /**
   * Makes a schedule; it is on disk when this resolves. NOT_FOUND for a kind of run that is not known here,
   * INVALID_INPUT with the field that is wrong, CONFLICT beyond 1,000 schedules.
   */
  async create({ name, input, cron, timezone = 'UTC' }: NewSchedule): Promise<ScheduleView> {
    const { runs, newId } = this.#options
    const definition = runs.definitions.find((one) => one.name === name)
    if (!definition) throw new HoldfastError('NOT_FOUND', `There is no kind of run "${name.slice(0, 80)}".`)
    const times = cronTimes(cron, timezone)
    await checkInput(definition.input, input)
    const made: Schedule = {
      id: newId(),
      name,
      input: input ?? null,
      cron,
      timezone,
      paused: false,
      nextAt: times.after(await this.#store.time()),
      lastRunId: null,
    }
    await this.#store.insert(made)
    this.#changed(made.id)
    return viewOf(made)
  }

  /** Pauses it, lets it go on, gives it other times; it goes on from now. NOT_FOUND; INVALID_INPUT with the field. */
  async update(id: string, { paused, cron }: { paused?: boolean; cron?: string }): Promise<ScheduleView> {
    for (let tries = 1; tries <= CHANGE_TRIES; tries += 1) {
      const seen = await this.#store.get(id)
      const next = { ...seen, paused: paused ?? seen.paused, cron: cron ?? seen.cron }
      const times = cronTimes(next.cron, next.timezone)
      next.nextAt = next.paused ? null : times.after(await this.#store.time())
      // Where another change, or a run it began, came in between: the same again, of how it stands then.
      if (await this.#store.tryChange(seen, next)) {
        this.#changed(id)
        return viewOf(next)
      }
    }
    throw new HoldfastError('CONFLICT', 'The schedule is being changed by others.')
  }

  /** Runs it has begun stay as they are. NOT_FOUND. */
  async remove(id: string): Promise<void> {
    await this.#store.remove(id)
    this.#changed(id)
  }

  #changed(id: string): void {
    this.wake()
    this.#options.onChange(id)
  }

  async #look(): Promise<void> {
    let waitMs: number | null = FAILED_MS
    try {
      while (this.#again && this.#isOpen) {
        this.#again = false
        await this.#heedClock()
        const allBegun = await this.#fireDue()
        waitMs = await this.#store.untilNext(this.#names())
        if (waitMs === null || waitMs > 0) continue
        // A time that came just now is not waited for; one whose run could not be begun is tried again later.
        if (allBegun) this.#again = true
        else waitMs = FAILED_MS
      }
    } catch (error) {
      this.#options.onError(error)
      waitMs = FAILED_MS
    }
    // From here on nothing is waited for: who wakes it now finds that nobody looks.
    this.#looking = null
    this.#callOff()
    if (waitMs !== null) this.#callOff = this.#timers.after(Math.min(waitMs, LOOK_MS), () => this.wake())
  }

  /** Whether nothing of what was due stays due. */
  async #fireDue(): Promise<boolean> {
    for (;;) {
      const now = await this.#store.time()
      const due = await this.#store.due(this.#names(), now, PAGE)
      const settled = await Promise.all(due.map((schedule) => this.#fire(schedule, now)))
      const allBegun = settled.every(Boolean)
      if (due.length < PAGE || !allBegun || !this.#isOpen) return allBegun
    }
  }

  /** Begins the run of a time that has come; `false` where it stays due. */
  async #fire(schedule: Schedule, now: number): Promise<boolean> {
    let times: CronTimes | null = null
    try {
      times = cronTimes(schedule.cron, schedule.timezone)
      await this.#begin(schedule, times, now)
      return true
    } catch (error) {
      return this.#passOver(schedule, times?.after(now) ?? null, error)
    }
  }

  async #begin(schedule: Schedule, times: CronTimes, now: number): Promise<void> {
    const { runs, newId, onChange } = this.#options
    const { id, name, input, nextAt } = schedule
    const at = Math.max(nextAt ?? 0, times.latest(now) ?? 0)
    const options = { id: newId(), dedupeKey: `schedule:${id}:${new Date(at).toISOString()}`, scheduleId: id }
    const next = { nextAt: times.after(now) }
    const writes = [write(this.#store.change(schedule, { ...next, lastRunId: options.id }))]
    const { run, created } = await runs.startNamed(name, input, { ...options, writes })
    // By another node, or before the clock was put back: then the schedule may not have moved on.
    if (!created) await this.#store.tryChange(schedule, { ...next, lastRunId: run.id })
    onChange(id)
  }

  /** What no other try makes good is passed over, or it would stay in the way of all times that follow. */
  async #passOver(schedule: Schedule, nextAt: number | null, error: unknown): Promise<boolean> {
    try {
      if (!isHoldfastError(error) || error.status >= 500) throw error
      // Where another node has moved it on, or somebody changed it, that is all there was.
      if (await this.#store.tryChange(schedule, { nextAt })) this.#options.onError(error)
      return true
    } catch (failure) {
      this.#options.onError(failure)
      return false
    }
  }

  /** Where the clock was put back, what is next is sooner than was thought. */
  async #heedClock(): Promise<void> {
    const now = await this.#store.time()
    const wentBack = now < this.#seenAt - 1_000
    for (const schedule of wentBack ? await this.#store.all() : []) {
      if (schedule.nextAt === null) continue
      const nextAt = timesOf(schedule)?.after(now) ?? null
      if (nextAt !== null && nextAt < schedule.nextAt && schedule.nextAt > now) {
        await this.#store.tryChange(schedule, { nextAt })
      }
    }
    this.#seenAt = now
  }

  #names(): string[] {
    return this.#options.runs.definitions.map(({ name }) => name)
  }
}

/** `null` where this runtime no longer knows its time zone: when its time comes that is told. */
function timesOf({ cron, timezone }: Schedule): CronTimes | null {
  try {
    return cronTimes(cron, timezone)
  } catch {
    return null
  }
}

function viewOf({ nextAt, ...schedule }: Schedule): ScheduleView {
  return { ...schedule, nextAt: nextAt === null ? null : new Date(nextAt).toISOString() }
}
