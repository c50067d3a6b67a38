import type { Attempt } from './attempt.ts'
import type { RunContext } from './run.ts'

/** What an attempt's code is given: every part of it also works when it is taken out by itself. */
export function contextOf(attempt: Attempt): RunContext {
  const { run, input, signal } = attempt
  return {
    run,
    input,
    signal,
    commit: (...writes) => guarded(attempt.commit(...writes)),
    advance: (...writes) => guarded(attempt.advance(...writes)),
    step: (key, work, options) => guarded(attempt.step(key, work, options)),
    progress: (report) => attempt.progress(report),
    heartbeat: () => attempt.heartbeat(),
    log: (level, message) => attempt.log(level, message),
    sleep: (key, ms) => guarded(attempt.sleep(key, ms)),
    waitFor: (name, options) => guarded(attempt.waitFor(name, options)),
    received: (name, key) => guarded(attempt.received(name, key)),
    onSignal: (name, listener) => attempt.onSignal(name, listener),
    start: (key, definition, input, options) => guarded(attempt.start(key, definition, input, options)),
    ended: (child) => guarded(attempt.ended(child)),
    end: (outcome, ...writes) => guarded(attempt.end(outcome, ...writes)),
  }
}

/** What its code does not look at, or not yet, when the attempt is stopped must not take the process down. */
function guarded<Result>(part: Promise<Result>): Promise<Result> {
  part.catch(() => {})
  return part
}
