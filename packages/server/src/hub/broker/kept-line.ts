import type { Clock } from '@holdfast/protocol'

export interface LineOptions<Session> {
  /**
   * Opens it. Calls `lost` when it breaks afterwards, as often as it likes. Lets go of what it has begun when `signal`
   * aborts, and need not answer then.
   */
  open(lost: (error: Error) => void, signal: AbortSignal): Promise<Session>
  /** Resolves as soon as the other side has answered anything. */
  probe(session: Session): Promise<unknown>
  /** Lets go at once, whatever the other side does. Must not throw. */
  drop(session: Session): void
  onUp(session: Session): void
  onDown(): void
  /** Once for each time it is lost or cannot be opened, not for each attempt. */
  onError(error: Error): void
  clock: Clock
  random: () => number
}

const OPEN_MS = 10_000
// A line that is half open, which no socket says, is noticed after 2 to 5 seconds.
const PROBE_EVERY_MS = 2_000
const PROBE_MS = 3_000
const RETRY_MS = 100
const RETRY_MAX_MS = 5_000

/**
 * A line that is kept up: opened, watched, let go when it is lost or silent, and opened again after a pause that
 * doubles up to five seconds and is never the same for two nodes.
 */
export class KeptLine<Session> {
  readonly #options: LineOptions<Session>
  #session: Session | null = null
  #failures = 0
  #complained = false
  #closed = false
  #abort = new AbortController()
  #cancelTimer = () => {}

  constructor(options: LineOptions<Session>) {
    this.#options = options
  }

  /** `null` while it is down. */
  get session(): Session | null {
    return this.#session
  }

  open(): void {
    if (!this.#closed) void this.#open()
  }

  /** It does not do what it should: let go of it, and open another. */
  lose(session: Session, error: Error): void {
    if (this.#session !== session) return
    this.#session = null
    this.#cancelTimer()
    this.#options.drop(session)
    this.#options.onDown()
    this.#retry(error)
  }

  /** No further line. The one that is up, if there is one, is the caller's to let go of. */
  close(): Session | null {
    const session = this.#session
    this.#closed = true
    this.#session = null
    this.#cancelTimer()
    this.#abort.abort(new Error('closed'))
    return session
  }

  async #open(): Promise<void> {
    const { open, drop, clock, onUp } = this.#options
    const abort = new AbortController()
    this.#abort = abort
    const { signal } = abort
    const cancel = clock.after(OPEN_MS, () => abort.abort(new Error('the line could not be opened in time')))
    const opened: { session: Session | null; error: Error | null } = { session: null, error: null }
    const lost = (error: Error) => {
      opened.error ??= error
      if (opened.session !== null) this.lose(opened.session, error)
    }
    try {
      const session = await unlessAborted(open(lost, signal), signal)
      if (opened.error) {
        drop(session)
        throw opened.error
      }
      opened.session = session
      this.#session = session
      // Another than the one it was opened with: that one would tear it down.
      this.#abort = new AbortController()
      this.#complained = false
      onUp(session)
      this.#watch(session)
    } catch (error) {
      abort.abort(error)
      // What was heard first says why: that it is closed is all a client says of a line that was never open.
      this.#retry(opened.error ?? (error as Error))
    } finally {
      cancel()
    }
  }

  #watch(session: Session): void {
    const { clock, probe } = this.#options
    this.#cancelTimer = clock.after(PROBE_EVERY_MS, () => {
      this.#cancelTimer = clock.after(PROBE_MS, () => this.lose(session, new Error('the line is silent')))
      probe(session).then(
        () => this.#answered(session),
        (error) => this.lose(session, error),
      )
    })
  }

  #answered(session: Session): void {
    if (this.#session !== session) return
    // Not as soon as it is open: one that is lost right away each time would be opened without a pause.
    this.#failures = 0
    this.#cancelTimer()
    this.#watch(session)
  }

  #retry(error: Error): void {
    if (this.#closed) return
    const { clock, random, onError } = this.#options
    if (!this.#complained) onError(error)
    this.#complained = true
    const most = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** this.#failures)
    this.#failures += 1
    this.#cancelTimer = clock.after(most * (0.5 + 0.5 * random()), () => this.open())
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
