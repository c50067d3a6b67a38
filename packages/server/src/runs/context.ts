import type { Attempt } from './attempt.ts'
import type { RunContext } from './run.ts'

/** What an attempt's code is given: every part of it also works when it is taken out by itself. */
export function contextOf(attempt: Attempt): RunContext {
  const { run, input, signal } = attempt
  return {
    run,
    input,
    signal,
    commit: (...writes) => attempt.commit(...writes),
    advance: (...writes) => attempt.advance(...writes),
    step: (key, work, options) => attempt.step(key, work, options),
    progress: (report) => attempt.progress(report),
    heartbeat: () => attempt.heartbeat(),
    log: (level, message) => attempt.log(level, message),
    sleep: (key, ms) => attempt.sleep(key, ms),
    waitFor: (name, options) => attempt.waitFor(name, options),
    received: (name, key) => attempt.received(name, key),
    onSignal: (name, listener) => attempt.onSignal(name, listener),
    start: (key, definition, input, options) => attempt.start(key, definition, input, options),
    ended: (child) => attempt.ended(child),
    end: (outcome, ...writes) => attempt.end(outcome, ...writes),
  }
}
